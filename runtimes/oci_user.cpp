#include "runtimes/oci_user.hpp"

#include "config/spelling.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace berth {

namespace {

struct Asked {
  std::string_view user;
  /// Nothing: not asked for.
  std::optional<std::string_view> group;
};

Asked split_user(std::string_view text) {
  auto colon = text.find(':');
  if (colon == text.npos)
    return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_number(std::string_view text) {
  return !text.empty()
         && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<uint32_t> parse_id(std::string_view text) {
  auto result = uint32_t{0};
  if (!is_number(text))
    return {};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size() || result > max_user_id)
    return {};
  return result;
}

/// Calls `visit` with the fields of each line of a database such as /etc/passwd, until it returns
/// true.
template <class Visitor>
void for_each_entry(std::string_view text, Visitor visit) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    auto fields = std::vector<std::string_view>{};
    for (auto rest = line;;) {
      auto colon = rest.find(':');
      fields.push_back(rest.substr(0, colon));
      if (colon == rest.npos)
        break;
      rest.remove_prefix(colon + 1);
    }
    if (visit(fields))
      return;
  }
}

struct UserEntry {
  std::string_view name;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

/// name:password:uid:gid:comment:home:shell. A name that is a number is found as a number first.
std::optional<UserEntry> find_user(std::string_view passwd, std::string_view user) {
  auto wanted = parse_id(user);
  auto result = std::optional<UserEntry>{};
  for_each_entry(passwd, [&](auto& fields) {
    if (fields.size() < 4)
      return false;
    auto uid = parse_id(fields[2]);
    auto gid = parse_id(fields[3]);
    if (uid && gid && (wanted ? *uid == *wanted : fields[0] == user))
      result = UserEntry{fields[0], *uid, *gid};
    return result.has_value();
  });
  return result;
}

/// name:password:gid:member,member
std::optional<uint32_t> find_group(std::string_view group, std::string_view name) {
  auto result = std::optional<uint32_t>{};
  for_each_entry(group, [&](auto& fields) {
    if (fields.size() >= 3 && fields[0] == name)
      result = parse_id(fields[2]);
    return result.has_value();
  });
  return result;
}

std::vector<uint32_t> groups_of(std::string_view group, const UserEntry& user) {
  auto result = std::vector<uint32_t>{};
  for_each_entry(group, [&](auto& fields) {
    if (fields.size() < 4)
      return false;
    auto gid = parse_id(fields[2]);
    auto is_member = false;
    for (auto members = fields[3]; !is_member && !members.empty();) {
      auto name = members.substr(0, members.find(','));
      is_member = name == user.name;
      members.remove_prefix(std::min(name.size() + 1, members.size()));
    }
    if (gid && is_member && *gid != user.gid
        && std::find(result.begin(), result.end(), *gid) == result.end())
      result.push_back(*gid);
    return false;
  });
  return result;
}

} // namespace

bool needs_user_files(std::string_view user) {
  auto asked = split_user(user);
  return !user.empty() && !(parse_id(asked.user) && asked.group && parse_id(*asked.group));
}

Result<ContainerUser> resolve_user(std::string_view user, std::string_view passwd,
                                   std::string_view group) {
  auto result = ContainerUser{};
  if (user.empty())
    return result;
  auto bad = [&](std::string reason, std::string next) {
    return failure(ec::bad_request, "user " + in_quotes(user), std::move(reason), std::move(next));
  };
  auto asked = split_user(user);
  if (asked.user.empty() || (asked.group && asked.group->empty()))
    return bad("it is not of the form USER or USER:GROUP", "give names or numbers");
  auto too_large = "ids go up to " + std::to_string(max_user_id);
  auto entry = find_user(passwd, asked.user);
  if (entry) {
    result.uid = entry->uid;
    result.gid = entry->gid;
  } else if (auto uid = parse_id(asked.user)) {
    result.uid = *uid;
  } else if (is_number(asked.user)) {
    return bad("the number is too large: " + too_large, "use a smaller one");
  } else {
    return bad("the container's /etc/passwd has no user " + in_quotes(asked.user),
               "use a number, or add the user to the root file system");
  }
  if (!asked.group) {
    if (entry)
      result.additional_gids = groups_of(group, *entry);
    return result;
  }
  if (auto gid = parse_id(*asked.group))
    result.gid = *gid;
  else if (is_number(*asked.group))
    return bad("the group's number is too large: " + too_large, "use a smaller one");
  else if (auto named = find_group(group, *asked.group))
    result.gid = *named;
  else
    return bad("the container's /etc/group has no group " + in_quotes(*asked.group),
               "use a number, or add the group to the root file system");
  return result;
}

} // namespace berth
