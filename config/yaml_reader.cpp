#include "config/yaml_reader.hpp"

#include "config/spelling.hpp"
#include "config/text_check.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <unordered_map>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace berth {
namespace {

constexpr size_t max_depth = 64;
constexpr size_t max_nodes = 200'000;
/// Keys are cut to this length in the paths of errors.
constexpr size_t max_shown_key = 64;

/// Ends the reading of a file; never leaves this source file.
struct Unreadable {
  Origin where;
  std::string path;
  std::string what;
};

size_t count_nodes(const YamlNode& node) {
  auto result = size_t{1};
  for (const auto& item : node.items)
    result += count_nodes(item);
  for (const auto& entry : node.entries)
    result += 1 + count_nodes(entry.value);
  return result;
}

/// Builds the tree from the parser's events. yaml-cpp's own tree is of no use here: it keeps a key
/// that is given twice without a word, and forgets where keys stood.
class TreeBuilder final : public YAML::EventHandler {
public:
  TreeBuilder(const std::string& file, std::string_view text, ErrorList& errors)
      : file_{file}, text_{text}, columns_{text}, errors_{errors} {
    // nop
  }

  YamlNode take_root() {
    return std::move(root_);
  }

  Origin origin(const YAML::Mark& mark) {
    if (mark.is_null())
      return {file_, 1, 1};
    auto position = columns_.at(static_cast<size_t>(mark.pos));
    return {file_, position.line, position.column};
  }

  /// Where a quoted text starts that the end of the file cuts off: the parser takes such a text as
  /// if it were closed.
  std::optional<Origin> unclosed_quote() {
    if (last_quoted_ == std::string_view::npos)
      return std::nullopt;
    auto i = last_quoted_;
    // Anchors and tags stand before the quote.
    while (i < text_.size() && (text_[i] == '&' || text_[i] == '!')) {
      i = std::min(text_.find_first_of(" \t\r\n", i), text_.size());
      i = std::min(text_.find_first_not_of(" \t\r\n", i), text_.size());
    }
    if (i == text_.size() || (text_[i] != '"' && text_[i] != '\''))
      return std::nullopt;
    auto start = i;
    auto quote = text_[start];
    for (++i; i < text_.size(); ++i) {
      auto escapes = quote == '"' ? text_[i] == '\\' : text_.substr(i, 2) == "''";
      if (escapes)
        ++i;
      else if (text_[i] == quote)
        return std::nullopt;
    }
    auto position = columns_.at(start);
    return Origin{file_, position.line, position.column};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Unreadable{
          origin(mark), {}, "a second YAML document starts here; a configuration file holds one"};
  }

  void OnDocumentEnd() override {
    // nop
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    complete(make(YamlNode::Kind::null, mark, {}), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = make(YamlNode::Kind::scalar, mark, tag);
    // yaml-cpp gives the tag "!" to every text in quotes or in a block.
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (tag != "?")
      last_quoted_ = static_cast<size_t>(mark.pos);
    node.text = value;
    complete(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto target = anchors_.find(anchor);
    if (target == anchors_.end())
      throw Unreadable{origin(mark), path(), "an alias that stands inside the value it refers to"};
    auto where = origin(mark);
    charge(count_nodes(target->second), where);
    auto node = target->second;
    // A value is where it is used; what is inside it stays where it was written.
    node.origin = std::move(where);
    complete(std::move(node), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, mark, tag, anchor);
  }

  void OnSequenceEnd() override {
    close();
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }

  void OnMapEnd() override {
    resolve_merge_keys(levels_.back());
    close();
  }

private:
  /// A list or a map whose end has not come yet.
  struct Level {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    /// The key whose value comes next.
    std::optional<YamlEntry> key;
    /// False: the key was reported and its value is dropped.
    bool key_is_good = true;
    /// The key is `<<`.
    bool is_merge = false;
    std::unordered_map<std::string, Origin> seen;
    std::vector<YamlNode> merges;
  };

  YamlNode make(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    auto node = YamlNode{};
    node.kind = kind;
    node.origin = origin(mark);
    charge(1, node.origin);
    if (!tag.empty() && tag != "?" && tag != "!" && !tag.starts_with("tag:yaml.org,2002:"))
      node.tag = tag;
    return node;
  }

  /// Counts values against the limit before they are copied. Anchors and aliases count with all
  /// they contain, so that a few lines that repeat each other do not grow into millions.
  void charge(size_t count, const Origin& where) {
    nodes_ += count;
    if (nodes_ > max_nodes)
      throw Unreadable{where, path(),
                       "more than " + std::to_string(max_nodes)
                           + " values (an alias counts with all it stands for)"};
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    if (levels_.size() >= max_depth)
      throw Unreadable{
          origin(mark), {}, "nested more than " + std::to_string(max_depth) + " levels deep"};
    auto level = Level{};
    level.node = make(kind, mark, tag);
    level.anchor = anchor;
    levels_.push_back(std::move(level));
  }

  void close() {
    auto level = std::move(levels_.back());
    levels_.pop_back();
    complete(std::move(level.node), level.anchor);
  }

  /// Puts a finished value where it belongs.
  void complete(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      charge(count_nodes(node), node.origin);
      anchors_.insert_or_assign(anchor, node);
    }
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::list)
      level.node.items.push_back(std::move(node));
    else if (!level.key)
      begin_entry(level, std::move(node));
    else
      end_entry(level, std::move(node));
  }

  void begin_entry(Level& level, YamlNode key) {
    level.key_is_good = false;
    if (key.kind == YamlNode::Kind::null)
      errors_.add(key.origin, path(), "a key is missing before the colon");
    else if (key.kind != YamlNode::Kind::scalar)
      errors_.add(key.origin, path(), std::string{"a key must be text, not "} + describe(key.kind));
    else if (auto [first, is_new] = level.seen.emplace(key.text, key.origin); !is_new)
      errors_.add(key.origin, path(),
                  "key " + in_quotes(key.text) + " is given twice (first in line "
                      + std::to_string(first->second.line) + ")");
    else
      level.key_is_good = true;
    level.is_merge = level.key_is_good && !key.quoted && key.text == "<<";
    level.key = YamlEntry{std::move(key.text), {}, std::move(key.origin), {}};
  }

  void end_entry(Level& level, YamlNode value) {
    auto entry = std::move(*level.key);
    level.key.reset();
    if (level.is_merge) {
      // yaml-cpp says that nothing is where the next thing is.
      if (value.kind == YamlNode::Kind::null)
        value.origin = std::move(entry.origin);
      level.merges.push_back(std::move(value));
    } else if (level.key_is_good) {
      entry.value = std::move(value);
      level.node.entries.push_back(std::move(entry));
    }
  }

  /// Adds what `<<` names: keys of the map itself win, then those of earlier maps in the list.
  void resolve_merge_keys(Level& level) {
    for (auto& merge : level.merges) {
      auto maps = std::vector<YamlNode>{};
      if (merge.kind == YamlNode::Kind::list)
        maps = std::move(merge.items);
      else
        maps.push_back(std::move(merge));
      for (auto& map : maps) {
        if (map.kind != YamlNode::Kind::map) {
          errors_.add(map.origin, path(), "<< takes a map or a list of maps, such as *name");
          continue;
        }
        for (auto& entry : map.entries)
          if (level.seen.emplace(entry.key, entry.origin).second)
            level.node.entries.push_back(std::move(entry));
      }
    }
  }

  /// The keys that lead to the place that is being read.
  std::string path() const {
    auto result = std::string{};
    for (const auto& level : levels_)
      if (level.key)
        result = join_path(result, std::string_view{level.key->key}.substr(0, max_shown_key));
    return result;
  }

  const std::string& file_;
  std::string_view text_;
  ColumnCounter columns_;
  ErrorList& errors_;
  YamlNode root_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, YamlNode> anchors_;
  size_t nodes_ = 0;
  size_t documents_ = 0;
  size_t last_quoted_ = std::string_view::npos;
};

/// What the parser says, in words that tell where to look.
std::string explain(const YAML::Exception& error, const Origin& where, std::string_view text) {
  struct Hint {
    std::string_view message;
    std::string_view hint;
  };
  constexpr auto hints = std::array{
      Hint{"illegal map value",
           "a second colon in this line, or a line above without a colon and a space"},
      Hint{"end of map not found",
           "this line is indented differently from its neighbours, or lacks a colon"},
      Hint{"end of sequence not found", "this line is indented differently from its neighbours"},
      Hint{"end of map flow not found", "a } is missing"},
      Hint{"end of sequence flow not found", "a ] is missing"},
      Hint{"illegal flow end", "a ] or } without its opening"},
      Hint{"the referenced anchor is not defined",
           "an alias needs an anchor of that name above it"},
  };
  auto result = "not valid YAML: " + std::string{error.msg};
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  result.erase(result.find_last_not_of(" :") + 1);
  for (const auto& hint : hints)
    if (error.msg == hint.message)
      result += " (" + std::string{hint.hint} + ")";
  // The parser complains about what follows a tab, which nobody can see.
  auto lines = std::istringstream{std::string{text}};
  auto line = std::string{};
  for (auto number = 1; number <= where.line && std::getline(lines, line); ++number) {
    auto indentation = std::string_view{line}.substr(0, line.find_first_not_of(" \t"));
    if (indentation.find('\t') != std::string_view::npos)
      return result + "; line " + std::to_string(number)
             + " is indented with a tab, YAML takes only spaces";
  }
  return result;
}

} // namespace

std::optional<YamlNode> read_yaml(const std::string& file, std::string_view text,
                                  ErrorList& errors) {
  if (text.size() > max_config_file_size) {
    errors.add({file, 0, 0}, {}, "larger than " + std::to_string(max_config_file_size) + " bytes");
    return std::nullopt;
  }
  constexpr auto byte_order_mark = std::string_view{"\xef\xbb\xbf"};
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  if (auto fault = find_fault(text)) {
    errors.add({file, fault->where.line, fault->where.column}, {}, std::move(fault->what));
    return std::nullopt;
  }
  auto builder = TreeBuilder{file, text, errors};
  try {
    auto in = std::istringstream{std::string{text}};
    auto parser = YAML::Parser{in};
    while (parser.HandleNextDocument(builder)) {
      // The builder ends it at a second document.
    }
  } catch (const Unreadable& reason) {
    errors.add(reason.where, reason.path, reason.what);
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    auto where = builder.unclosed_quote();
    if (where) {
      errors.add(*where, {}, "a quote that is never closed");
      return std::nullopt;
    }
    where = builder.origin(error.mark);
    errors.add(*where, {}, explain(error, *where, text));
    return std::nullopt;
  } catch (const std::exception& error) {
    errors.add({file, 0, 0}, {}, std::string{"not readable as YAML: "} + error.what());
    return std::nullopt;
  }
  if (auto where = builder.unclosed_quote()) {
    errors.add(*where, {}, "a quote that is never closed");
    return std::nullopt;
  }
  return builder.take_root();
}

} // namespace berth
