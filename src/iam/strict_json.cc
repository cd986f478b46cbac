#include "iam/strict_json.h"

#include <algorithm>

#include "base/secret_bytes.h"

namespace keyhaven::iam {
namespace {

namespace dom = simdjson::dom;

template <class T>
std::optional<T> member(const dom::object& object, std::string_view name) {
  T out;
  if (object.at_key(name).get(out) != simdjson::SUCCESS) return std::nullopt;
  return out;
}

template <class T>
std::optional<T> as(dom::element element) {
  T out;
  if (element.get(out) != simdjson::SUCCESS) return std::nullopt;
  return out;
}

template <class Element, class Out>
std::optional<std::vector<Out>> elements(const dom::object& object, std::string_view name) {
  const auto array = member<dom::array>(object, name);
  if (!array) return std::nullopt;
  std::vector<Out> out;
  for (const dom::element element : *array) {
    const auto value = as<Element>(element);
    if (!value) return std::nullopt;
    out.emplace_back(*value);
  }
  return out;
}

// Recursion is bounded by the parser's depth.
bool is_distinct(dom::element element) {
  if (const auto array = as<dom::array>(element))
    return std::all_of(array->begin(), array->end(), is_distinct);
  const auto object = as<dom::object>(element);
  if (!object) return true;
  std::vector<std::string_view> names;
  for (const dom::key_value_pair entry : *object) {
    if (!is_distinct(entry.value)) return false;
    names.push_back(entry.key);
  }
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

void wipe_texts(dom::element element) {
  if (const auto array = as<dom::array>(element)) {
    for (const dom::element each : *array) wipe_texts(each);
  } else if (const auto object = as<dom::object>(element)) {
    for (const dom::key_value_pair entry : *object) wipe_texts(entry.value);
  } else if (const auto text = as<std::string_view>(element)) {
    // The parser's own copy, which it owns and does not read again.
    wipe({reinterpret_cast<std::uint8_t*>(const_cast<char*>(text->data())), text->size()});
  }
}

}  // namespace

bool JsonMembers::has(std::string_view name) const {
  return object_.at_key(name).error() == simdjson::SUCCESS;
}
std::optional<std::string_view> JsonMembers::text(std::string_view name) const {
  return member<std::string_view>(object_, name);
}
std::optional<std::int64_t> JsonMembers::integer(std::string_view name) const {
  return member<std::int64_t>(object_, name);
}
std::optional<bool> JsonMembers::flag(std::string_view name) const {
  return member<bool>(object_, name);
}
std::optional<JsonMembers> JsonMembers::object(std::string_view name) const {
  const auto found = member<dom::object>(object_, name);
  if (!found) return std::nullopt;
  return JsonMembers(*found);
}
std::optional<std::vector<std::string_view>> JsonMembers::texts(std::string_view name) const {
  return elements<std::string_view, std::string_view>(object_, name);
}
std::optional<std::vector<JsonMembers>> JsonMembers::objects(std::string_view name) const {
  return elements<dom::object, JsonMembers>(object_, name);
}

bool JsonDocument::parse(std::string_view json) {
  text_ = simdjson::padded_string(json);
  if (parser_.allocate(text_.size() + 1, kMaxDepth) != simdjson::SUCCESS) return false;
  dom::element root;
  dom::object object;
  if (parser_.parse(text_).get(root) != simdjson::SUCCESS || !is_distinct(root) ||
      root.get(object) != simdjson::SUCCESS) {
    return false;
  }
  members_ = JsonMembers(object);
  is_parsed_ = true;
  return true;
}

void JsonDocument::wipe() {
  if (is_parsed_) wipe_texts(parser_.doc.root());
  if (text_.data() != nullptr)
    keyhaven::wipe({reinterpret_cast<std::uint8_t*>(text_.data()), text_.size()});
  members_ = JsonMembers();
  is_parsed_ = false;
}

}  // namespace keyhaven::iam
