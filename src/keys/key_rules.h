// What a caller may call things: names, descriptions, tags, aliases, rings and material sizes
// (key-management-api.md 4, 9, 10, 19). Characters are Unicode code points of valid UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "keys/key_record.h"

namespace keyhaven::keys {

inline constexpr std::size_t kMaxAliasesPerKey = 5;
inline constexpr std::size_t kMaxTags = 30;
inline constexpr std::string_view kDefaultRing = "default";

// Each fails with InvalidField; the target is the API's name of the field and the message tells the
// limit.
Result<void> check_name(std::string_view name);                // 2 to 90 characters
Result<void> check_description(std::string_view description);  // empty, or 2 to 240 characters
Result<void> check_tags(
    const std::vector<std::string>& tags);  // at most 30 of 1 to 30 characters, none of <>,:&|
// [A-Za-z0-9_-]{2,90}, not shaped like a v4 UUID, not a reserved word of the paths.
Result<void> check_alias(std::string_view alias);
// At most 5, each valid, none twice. Errors: InvalidField, AliasLimit.
Result<void> check_aliases(const std::vector<std::string>& aliases);
// [A-Za-z0-9_-]{2,100}. "default" is valid here; creating and deleting it is refused elsewhere.
Result<void> check_ring_id(std::string_view id);
// Root keys: 16, 24 or 32 bytes. Standard keys: 1 to 7500.
Result<void> check_material_size(KeyKind kind, std::size_t size);

// Code points of `text`; kInvalidUtf8 when it is no valid UTF-8.
std::size_t count_characters(std::string_view text) noexcept;
inline constexpr std::size_t kInvalidUtf8 = static_cast<std::size_t>(-1);

}  // namespace keyhaven::keys
