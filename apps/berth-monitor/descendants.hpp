#pragma once

namespace berth {

/// Sends SIGKILL to every process below this one, as far as the kernel lists them at this moment: a
/// process that is being forked may be missed. Call it again until `has_children` is false; a
/// subreaper inherits all of them in the end.
void kill_descendants();

/// True as long as there is a child, be it a zombie.
bool has_children();

} // namespace berth
