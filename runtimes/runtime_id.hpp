#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace berth {

/// Length of every runtime id. It is fixed because runsc finds containers by any unambiguous prefix
/// of their ids, even if an id equals that prefix: no id may begin another one.
constexpr size_t runtime_id_length = 26;

/// A new name under which an OCI runtime shall know a container: a lower-case letter and 25
/// characters of RFC 4648 base32 in lower case, 129 random bits together. Nothing of what users
/// send ever reaches a runtime as an id.
std::string make_runtime_id();

/// True for whatever `make_runtime_id` can return.
bool is_runtime_id(std::string_view text);

/// Whose record a file or directory in the state root of a runtime is; empty if that cannot be told. runc keeps a directory ID;
/// runsc the files ID_sandbox:ID.state and ID_sandbox:ID.lock, and the socket runsc-ID.sock.
std::string runtime_id_of_state(std::string_view name);

} // namespace berth
