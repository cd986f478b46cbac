// JSON that somebody else wrote and that is decided by: tokens, and the documents of an OpenID
// provider. Strict: the whole text is valid, and no object in it has a member twice, because two
// readers could take different ones.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace keyhaven::iam {

// An object of a document; it and every text of it live as long as the document. A member that is
// absent or of another type reads as nothing.
class JsonMembers {
 public:
  JsonMembers() = default;
  explicit JsonMembers(simdjson::dom::object object) : object_(object) {}

  bool has(std::string_view name) const;
  std::optional<std::string_view> text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<bool> flag(std::string_view name) const;
  std::optional<JsonMembers> object(std::string_view name) const;
  // Nothing too when one of the elements is of another type.
  std::optional<std::vector<std::string_view>> texts(std::string_view name) const;
  std::optional<std::vector<JsonMembers>> objects(std::string_view name) const;

 private:
  simdjson::dom::object object_;
};

// One document whose top level is an object. Not thread-safe, not movable: members point into it.
class JsonDocument {
 public:
  static constexpr std::size_t kMaxDepth = 8;

  JsonDocument() = default;
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  // Once per object. False when `json` is not as described above; the caller has bounded its size.
  bool parse(std::string_view json);
  const JsonMembers& members() const noexcept { return members_; }
  // Overwrites what was parsed; nothing of it may be used after. For documents with credentials.
  void wipe();

 private:
  simdjson::padded_string text_;
  simdjson::dom::parser parser_;
  JsonMembers members_;
  bool is_parsed_ = false;
};

}  // namespace keyhaven::iam
