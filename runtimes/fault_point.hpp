#pragma once

namespace berth {

/// A place where berthd may die: tests build it with BERTH_FAULT_POINTS and kill it there, to see that the next one finds its way
/// from each of them (tests/fakes/fault_point.cpp). In every other build there is nothing.
#ifdef BERTH_FAULT_POINTS
void fault_point(const char* name);
#else
inline void fault_point(const char*) {
}
#endif

} // namespace berth
