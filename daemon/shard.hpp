// shard: one loop's clients and their hub, wired to the node's other loops.
#pragma once

#include <functional>
#include <vector>

#include "daemon/board.hpp"
#include "daemon/core/hub.hpp"
#include "daemon/edge/clients.hpp"
#include "daemon/edge/log.hpp"
#include "daemon/edge/mailbox.hpp"
#include "daemon/edge/tokens.hpp"
#include "daemon/letters.hpp"

namespace roost {

struct ShardConfig {
    std::uint8_t index = 0;
    Incarnation incarnation = 0;
    HubLimits limits;
    std::shared_ptr<const TokenKeys> token_keys;
    TokenPolicy token_policy;
    ClientsConfig clients;
};

class Shard final : private HubOutlet {
public:
    Shard(Loop& loop, const ShardConfig& config, const Rules& rules, Door& door, Board& board,
          FactLog& facts);

    // Before any loop runs.
    void connect(Mailbox<FabricLetter>& fabric, std::vector<Mailbox<ShardLetter>*> other_shards);
    Mailbox<ShardLetter>& mailbox() { return mailbox_; }

private:
    void to_node(const BroadcastRef& broadcast) override;
    void want(Bucket bucket, Ticket ticket) override;
    void release(Bucket bucket) override;
    void resume(Ticket ticket, std::string_view topic, const Since& since) override;
    bool ask_backend(std::uint64_t asked, backend::Request&& request) override;
    void take_back(std::uint64_t asked) override;
    void close(SocketId socket, CloseCode code) override { clients_.close(socket, code); }
    void note(const Fact& fact) override;
    void happened(Happening&& happening) override;
    bool tell_happenings();

    void on_letter(ShardLetter& letter);
    void tick();

    Loop& loop_;
    std::uint8_t index_;
    Board& board_;
    FactLog& facts_;
    Mailbox<ShardLetter> mailbox_;
    Mailbox<FabricLetter>* fabric_ = nullptr;
    std::vector<Mailbox<ShardLetter>*> other_shards_;
    Tokens tokens_;
    Clients clients_;
    std::vector<Happening> happenings_;  // of this turn
    Hub hub_;
};

}  // namespace roost
