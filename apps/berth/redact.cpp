#include "apps/berth/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

/// Anywhere in a name.
constexpr auto secret_parts = std::array<std::string_view, 12>{"password", "passwd",     "passphrase",    "secret",  "token",     "credential",
                                                               "apikey",   "privatekey", "authorization", "cookie",  "accesskey", "bearer"};
/// As a whole word of one: "API_KEY" but not "keyboard".
constexpr auto secret_words = std::array<std::string_view, 6>{"key", "keys", "auth", "pass", "pwd", "pw"};
/// Where a shell is; of all environments, and no secret.
constexpr auto harmless_names = std::array<std::string_view, 3>{"pwd", "oldpwd", "keyboard"};
/// Well-known beginnings of tokens.
constexpr auto token_beginnings = std::array<std::string_view, 12>{"AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_",
                                                                   "glpat-", "xoxb-", "xoxp-", "sk-", "hf_", "eyJ"};
constexpr size_t least_token = 12;
constexpr auto schemes = std::array<std::string_view, 5>{"bearer", "basic", "digest", "token", "negotiate"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  auto result = std::string{text};
  for (auto& c : result)
    c = lower(c);
  return result;
}

bool is_alnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_name_character(char c) {
  return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// What ends a value that is in no quotes.
bool is_value_end(char c) {
  return is_space(c) || c == '"' || c == '\'' || c == ',' || c == ';' || c == '&' || c == ')' || c == '}' || c == ']' || c == '\\' || c == '`';
}

template <class List>
bool contains(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// "apiKey" and "API_KEY" as {"api", "key"}.
std::vector<std::string> words_of(std::string_view name) {
  auto result = std::vector<std::string>{""};
  auto was_lower = false;
  for (auto c : name) {
    auto is_upper = c >= 'A' && c <= 'Z';
    if (!is_alnum(c) || (is_upper && was_lower))
      result.emplace_back();
    if (is_alnum(c))
      result.back() += lower(c);
    was_lower = is_alnum(c) && !is_upper;
  }
  return result;
}

/// Goes through a text once, from left to right, and writes another one.
class Redaction {
public:
  explicit Redaction(std::string_view text) : text_(text) {
    // nop
  }

  std::string run() {
    while (at_ < text_.size()) {
      if (take_private_key() || take_url() || (starts_word() && take_word()))
        continue;
      out_ += text_[at_++];
    }
    return std::move(out_);
  }

private:
  bool starts_word() const {
    return is_name_character(text_[at_]) && (at_ == 0 || !is_name_character(text_[at_ - 1]));
  }

  bool rest_starts_with(std::string_view begin) const {
    return text_.substr(at_).starts_with(begin);
  }

  void copy_to(size_t end) {
    out_ += text_.substr(at_, end - at_);
    at_ = end;
  }

  void hide_to(size_t end) {
    if (end > at_)
      out_ += redacted;
    at_ = end;
  }

  bool take_private_key() {
    if (!rest_starts_with("-----BEGIN "))
      return false;
    auto line = text_.substr(at_, text_.find("-----", at_ + 11) - at_);
    if (line.find("PRIVATE KEY") == std::string_view::npos)
      return false;
    auto end = text_.find("-----END ", at_);
    auto close = end == std::string_view::npos ? end : text_.find("-----", end + 9);
    hide_to(close == std::string_view::npos ? text_.size() : close + 5);
    return true;
  }

  /// "://USER:PASSWORD@": what is before the last "@" of the authority.
  bool take_url() {
    if (!rest_starts_with("://"))
      return false;
    auto begin = at_ + 3;
    auto end = begin;
    while (end < text_.size() && !is_space(text_[end]) && std::string_view{"/?#\"'<>"}.find(text_[end]) == std::string_view::npos)
      ++end;
    auto sign = text_.substr(begin, end - begin).rfind('@');
    copy_to(begin);
    if (sign != std::string_view::npos)
      hide_to(begin + sign);
    return true;
  }

  /// A name with its value, or a word that is a secret itself.
  bool take_word() {
    auto end = at_;
    while (end < text_.size() && is_name_character(text_[end]))
      ++end;
    auto word = text_.substr(at_, end - at_);
    for (auto begin : token_beginnings)
      if (word.starts_with(begin) && word.size() >= least_token && !is_secret_name(word)) {
        hide_to(end);
        return true;
      }
    auto is_flag = word.starts_with("-");
    auto name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
    if (!is_secret_name(name)) {
      copy_to(end);
      return true;
    }
    copy_to(end);
    auto is_scheme = contains(schemes, lower(name));
    auto value = value_of(end, is_flag || is_scheme);
    if (value == std::string_view::npos)
      return true;
    copy_to(value);
    hide_value();
    return true;
  }

  /// Where the value behind a name begins; npos if none follows. A flag's may come after a space.
  size_t value_of(size_t at, bool after_space) const {
    auto skip_quotes = [&](size_t i) {
      while (i < text_.size() && (text_[i] == '"' || text_[i] == '\'' || text_[i] == '\\'))
        ++i;
      return i;
    };
    auto skip_spaces = [&](size_t i) {
      while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\t'))
        ++i;
      return i;
    };
    auto sign = skip_spaces(skip_quotes(at));
    if (sign < text_.size() && (text_[sign] == '=' || text_[sign] == ':'))
      return skip_spaces(sign + 1);
    if (!after_space || at >= text_.size() || !is_space(text_[at]))
      return std::string_view::npos;
    auto value = skip_spaces(at);
    return value < text_.size() && text_[value] != '-' ? value : std::string_view::npos;
  }

  /// From the value's beginning, quotes included, to its end; with a scheme before it also what follows that.
  void hide_value() {
    auto escaped = at_ + 1 < text_.size() && text_[at_] == '\\' && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\'');
    if (escaped)
      out_ += text_[at_++];
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      auto quote = text_[at_];
      out_ += text_[at_++];
      auto end = at_;
      while (end < text_.size() && (text_[end] != quote || (!escaped && text_[end - 1] == '\\')))
        ++end;
      if (escaped && end > at_ && text_[end - 1] == '\\')
        --end;
      return hide_to(end);
    }
    auto end = at_;
    while (end < text_.size() && !is_value_end(text_[end]))
      ++end;
    if (contains(schemes, lower(text_.substr(at_, end - at_))) && end < text_.size() && text_[end] == ' ') {
      ++end;
      while (end < text_.size() && !is_value_end(text_[end]))
        ++end;
    }
    hide_to(end);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
};

bool is_environment_key(std::string_view key) {
  auto name = lower(key);
  return name == "env" || name == "environment";
}

/// "NAME=VALUE" without the value.
std::string without_value(const std::string& entry) {
  auto equals = entry.find('=');
  return equals == std::string::npos ? std::string{redacted} : entry.substr(0, equals + 1) + std::string{redacted};
}

void hide_all(Json& json) {
  if (json.is_structured())
    for (auto& element : json)
      hide_all(element);
  else if (json.is_string() && !json.get_ref<const std::string&>().empty())
    json = std::string{redacted};
}

void redact_environment(Json& json) {
  if (!json.is_array())
    return hide_all(json);
  for (auto& entry : json)
    if (entry.is_string())
      entry = without_value(entry.get<std::string>());
    else if (entry.is_object() && entry.contains("value"))
      hide_all(entry["value"]);
    else
      hide_all(entry);
}

/// A flag without "=" whose value is the next argument.
bool announces_secret(const Json& argument) {
  if (!argument.is_string())
    return false;
  const auto& text = argument.get_ref<const std::string&>();
  return text.starts_with("-") && text.find_first_of("= ") == std::string::npos
         && is_secret_name(std::string_view{text}.substr(std::min(text.find_first_not_of('-'), text.size())));
}

void redact(Json& json) {
  if (json.is_string()) {
    json = redact_text(json.get_ref<const std::string&>());
  } else if (json.is_array()) {
    auto hide_next = false;
    for (auto& element : json) {
      if (hide_next && element.is_string())
        hide_all(element);
      else
        redact(element);
      hide_next = announces_secret(element);
    }
  } else if (json.is_object()) {
    for (auto i = json.begin(); i != json.end(); ++i) {
      if (is_environment_key(i.key()))
        redact_environment(i.value());
      // "key" alone names what a line is about: "worker.pools.web.memory".
      else if (i.key() != "key" && is_secret_name(i.key()))
        hide_all(i.value());
      else
        redact(i.value());
    }
    // A row of a table: the name is in one field, and the value in another.
    for (const auto* field : {"path", "key", "name"}) {
      auto found = json.find(field);
      if (found == json.end() || !found->is_string())
        continue;
      auto name = found->get<std::string>();
      if (is_secret_name(name.substr(name.rfind('.') + 1)) || name.find(".env") != std::string::npos)
        for (const auto* value : {"value", "before", "after", "old", "new", "from", "to"})
          if (json.contains(value))
            hide_all(json[value]);
    }
  }
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace

bool is_secret_name(std::string_view name) {
  auto whole = lower(name);
  if (contains(harmless_names, whole))
    return false;
  auto words = words_of(name);
  if (std::any_of(words.begin(), words.end(), [](auto& word) { return contains(secret_words, word); }))
    return true;
  auto joined = std::string{};
  for (const auto& word : words)
    joined += word;
  return std::any_of(secret_parts.begin(), secret_parts.end(), [&](auto part) { return joined.find(part) != std::string::npos; });
}

std::string redact_text(std::string_view text) {
  return Redaction{text}.run();
}

std::string redact_document(std::string_view text) {
  if (auto json = Json::parse(text, nullptr, false); !json.is_discarded()) {
    redact(json);
    return to_text(json, 2);
  }
  auto result = std::string{};
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto json = Json::parse(line, nullptr, false); json.is_structured()) {
      redact(json);
      result += to_text(json, -1);
    } else {
      // What is only a part of a document has no structure to go by.
      result += redact_text(line) + "\n";
    }
  }
  return result;
}

} // namespace berth::cli
