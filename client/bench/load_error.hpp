// load_error: why a load cannot go on, as one sentence for whoever has started it.
#pragma once

#include <stdexcept>

namespace roost::bench {

class LoadError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Nobody answers there.
class Unreachable : public LoadError {
public:
    using LoadError::LoadError;
};

}  // namespace roost::bench
