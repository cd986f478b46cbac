#include "keys/key_search.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>

#include "keys/key_rules.h"

namespace keyhaven::keys {
namespace {

Error bad_search(std::string message) {
  return {Reason::InvalidQueryParam, std::move(message), "search"};
}

// glibc has this locale built in; its tables give the simple case folding of Unicode.
locale_t unicode() {
  static const locale_t locale = [] {
    const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return made == nullptr ? ::newlocale(LC_CTYPE_MASK, "C", nullptr) : made;
  }();
  return locale;
}

char32_t fold(char32_t point) {
  if (point < 0x80) return point >= 'A' && point <= 'Z' ? point + ('a' - 'A') : point;
  return static_cast<char32_t>(::towlower_l(static_cast<wint_t>(point), unicode()));
}

// The code points of valid UTF-8, folded; ones that are cut off at the end are left out.
std::u32string folded(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (i + size > text.size()) break;
    char32_t point = size == 1 ? lead : lead & (0x7FU >> size);
    for (std::size_t k = 1; k < size; ++k) {
      point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    out.push_back(fold(point));
    i += size;
  }
  return out;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Result<KeySearch> KeySearch::parse(std::string_view parameter) {
  if (parameter.size() > kMaxSearchBytes) {
    return bad_search("search has more than " + std::to_string(kMaxSearchBytes) + " bytes");
  }
  if (parameter.ends_with(',')) parameter.remove_suffix(1);
  KeySearch search;
  bool escaped = false;
  while (!escaped) {
    if (take_prefix(parameter, "not:")) {
      search.negated_ = true;
    } else if (take_prefix(parameter, "exact:")) {
      search.exact_ = true;
    } else if (take_prefix(parameter, "alias:")) {
      search.by_alias_ = true;
    } else if (take_prefix(parameter, "name:")) {
      search.by_name_ = true;
    } else {
      escaped = take_prefix(parameter, "escape:");
      break;
    }
  }
  if (parameter.empty()) return bad_search("search names no text to look for");
  if (count_characters(parameter) == kInvalidUtf8) return bad_search("search is not valid UTF-8");
  search.alias_asked_ = search.by_alias_;
  if (!search.by_alias_ && !search.by_name_) search.by_alias_ = search.by_name_ = true;
  search.text_ = parameter;
  search.folded_ = folded(parameter);
  search.is_id_ = KeyId::parse(parameter).has_value();
  return search;
}

bool KeySearch::text_matches(std::string_view candidate) const {
  const std::u32string other = folded(candidate);
  return exact_ ? other == folded_ : other.find(folded_) != std::u32string::npos;
}

bool KeySearch::matches(const KeyRecord& key) const {
  bool found = is_id_ && KeyId::parse(text_).value() == key.id;
  if (!found && by_name_) found = text_matches(key.name);
  if (!found && by_alias_) {
    found = std::any_of(key.aliases.begin(), key.aliases.end(),
                        [&](const std::string& alias) { return text_matches(alias); });
  }
  return found != negated_;
}

}  // namespace keyhaven::keys
