// Identifiers that cannot be wrong: made only by parse or from 16 random bytes
// (crypto::random_uuid).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven {

// A UUID. Text form: 36 characters, lower case (key-management-api.md 3.2).
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const noexcept { return *this == Uuid{}; }
  std::string text() const;
  void append_to(std::string& out) const;
  ByteView view() const noexcept { return bytes; }
  // Accepts both cases. Errors: InvalidArgument.
  static Result<Uuid> parse(std::string_view text);
  // Whether `text` has the shape of a version-4 UUID (an alias may not).
  static bool looks_like_v4(std::string_view text) noexcept;
};

// One C++ type per kind of identifier, so that a key's id is not passed for an instance's.
template <class Tag>
struct Id {
  Uuid uuid;

  auto operator<=>(const Id&) const = default;
  std::string text() const { return uuid.text(); }
  ByteView view() const noexcept { return uuid.view(); }
  static Result<Id> parse(std::string_view text) {
    auto parsed = Uuid::parse(text);
    if (!parsed) return std::move(parsed).error();
    return Id{parsed.value()};
  }
};

using InstanceId = Id<struct InstanceTag>;
using UnitId = Id<struct UnitTag>;  // one crypto unit of an instance (hsm_id)
using KeyId = Id<struct KeyTag>;
using VersionId = Id<struct VersionTag>;  // the first version of a key has the key's own id

struct UuidHash {
  std::size_t operator()(const Uuid& uuid) const noexcept {
    std::size_t value;  // random bytes: any eight of them are a hash
    std::memcpy(&value, uuid.bytes.data() + 8, sizeof value);
    return value;
  }
  template <class Tag>
  std::size_t operator()(const Id<Tag>& id) const noexcept {
    return (*this)(id.uuid);
  }
};

}  // namespace keyhaven
