#pragma once

#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// Whom a process in a container runs as.
struct ContainerUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additional_gids;

  friend bool operator==(const ContainerUser&, const ContainerUser&) = default;
};

/// Largest user or group id; runc takes no larger one.
constexpr uint32_t max_user_id = 2'147'483'647;

/// True if `resolve_user` needs the texts of /etc/passwd and /etc/group: not for root (an empty
/// text) and not for "UID:GID" in numbers.
bool needs_user_files(std::string_view user);

/// Whom "USER" or "USER:GROUP" means, each a name or a number, by the texts of a container's
/// /etc/passwd and /etc/group (empty if it has none). As everywhere: a number needs no entry, and
/// then its group is 0; an entry gives the user's group and additional groups, which an explicit
/// group replaces. Lines that make no sense are passed over. Fails with `bad_request` for names
/// that are not found.
Result<ContainerUser> resolve_user(std::string_view user, std::string_view passwd,
                                   std::string_view group);

} // namespace berth
