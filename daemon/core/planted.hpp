// planted: bugs that a test puts in on purpose, to see that the simulation finds them.
//
// ROOST_PLANTED(n) is false in every build but those of the test that plants bug n.
#pragma once

#ifdef ROOST_PLANT
#define ROOST_PLANTED(number) ((number) == ROOST_PLANT)
#else
#define ROOST_PLANTED(number) false
#endif
