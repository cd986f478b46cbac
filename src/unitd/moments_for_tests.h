// Where a test lets the process die: before and after each system call that moves something on the
// disk. The calls are functions of the test program that stand before the C library's:
// sealing_kill_test.cc, record_kill_test.cc.
#pragma once

namespace keyhaven::unitd {

inline constexpr int kKilled = 77;  // exit status
extern int moments_left;            // -1: never
void moment();

}  // namespace keyhaven::unitd
