// planted: bugs that the simulation must find.
//
// Built with -DROOST_PLANT=n the core has the n-th of these bugs, and a test requires that the
// simulation finds it; in every other build there is nothing of them. Only in .cpp files.
//
//   1  the repair of a hole asks for one message too few
//   2  a fence is over with its first answer
//   3  a repetition is told by its number alone, whatever the epoch
//   4  the end of a stream is never told
//   5  what is replayed overtakes what is live
#pragma once

#ifndef ROOST_PLANT
#define ROOST_PLANT 0
#endif

#define ROOST_PLANTED(n) (ROOST_PLANT == (n))
