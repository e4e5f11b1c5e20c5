#pragma once

#include <string>
#include <string_view>

namespace berth::cli {

/// What stands in the place of a secret.
constexpr std::string_view redacted = "<redacted>";

/// Does a variable, flag or key of this name hold something secret: "DB_PASSWORD", "--api-key", "authorization"?
bool is_secret_name(std::string_view name);

/// A text without what looks like a secret in it: values of secret names (NAME=VALUE, NAME: VALUE, --NAME VALUE, also in
/// JSON), user and password of URLs, `Authorization` headers, tokens of well-known forms, private keys.
std::string redact_text(std::string_view text);

/// The same for a JSON document or lines of them; besides, the values of all environment variables go ("env", whatever their
/// names) and the argument after a secret flag. What is not JSON is treated as text. Order and layout are kept as far as JSON
/// allows.
std::string redact_document(std::string_view text);

} // namespace berth::cli
