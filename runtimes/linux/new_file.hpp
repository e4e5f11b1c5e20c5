#pragma once

#include "messages/error.hpp"

#include <string>
#include <string_view>

/// Files in directories that others may write to, such as /tmp. All errors are `system_error`.
namespace berth {

/// Makes a new file of mode 0600 with this text. Follows no link in the last component. With `may_replace` a file or link that is
/// there is removed first; without it that is an error.
Result<void> write_new_private_file(const std::string& path, std::string_view text, bool may_replace);

/// Makes a directory of mode 0700, or with `may_exist` takes one that is there, belongs to the caller and is no link.
Result<void> make_private_directory(const std::string& path, bool may_exist);

} // namespace berth
