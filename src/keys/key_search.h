// The search parameter of a listing: names and aliases that contain a text (key-management-api.md
// 5.2). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "keys/key_record.h"

namespace keyhaven::keys {

inline constexpr std::size_t kMaxSearchBytes = 1024;
inline constexpr std::size_t kMaxSearchableKeys = 5000;

// A search as parsed. Letters are compared without regard to case (simple folding of Unicode).
class KeySearch {
 public:
  // `[not:|exact:|escape:|alias:|name:]*text`, in any order; after "escape:" the rest is the text
  // itself. One trailing comma, which the Go client adds, is not part of it. Errors:
  // InvalidQueryParam, target "search" (no text, too long, not UTF-8).
  static Result<KeySearch> parse(std::string_view parameter);

  // Whether the search selects `key`: its id equals the text, or its name or one of its aliases
  // matches within the scopes; inverted by "not:".
  bool matches(const KeyRecord& key) const;

  // What one look-up may find even when there are too many keys to search: the text is a key id, or
  // an alias and "alias:" was asked for. Never when inverted.
  bool has_direct_lookup() const noexcept { return !negated_ && (is_id_ || alias_asked_); }

  const std::string& text() const noexcept { return text_; }
  bool by_name() const noexcept { return by_name_; }
  bool by_alias() const noexcept { return by_alias_; }
  bool negated() const noexcept { return negated_; }
  bool exact() const noexcept { return exact_; }

 private:
  bool text_matches(std::string_view candidate) const;

  std::string text_;
  std::u32string folded_;
  bool by_name_ = false;
  bool by_alias_ = false;
  bool alias_asked_ = false;
  bool negated_ = false;
  bool exact_ = false;
  bool is_id_ = false;
};

}  // namespace keyhaven::keys
