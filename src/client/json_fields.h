// Members of the JSON objects that a service answers with: strict about types, tolerant of absence.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace keyhaven::client {

namespace dom = simdjson::dom;

// Reads members of one object; the first breach of a rule is kept and makes the result an error.
class Fields {
 public:
  explicit Fields(dom::object object) : object_(object) {}

  std::string text(std::string_view name) {
    const auto value = find(name);
    if (!value) return {};
    std::string_view out;
    if (value->get_string().get(out) != simdjson::SUCCESS) {
      refuse(name, "a string");
      return {};
    }
    return std::string(out);
  }
  Bytes base64(std::string_view name) {
    auto bytes = from_base64(text(name));
    if (bytes) return std::move(*bytes);
    refuse(name, "base64");
    return {};
  }
  Digest digest(std::string_view name) {
    Digest out{};
    const auto bytes = from_hex(text(name));
    if (bytes && bytes->size() == out.size()) {
      std::ranges::copy(*bytes, out.begin());
    } else {
      refuse(name, "64 hexadecimal digits");
    }
    return out;
  }
  std::string required_text(std::string_view name) {
    std::string out = text(name);
    if (out.empty()) refuse(name, "a string that is not empty");
    return out;
  }
  // A string, or a number in its decimal form: bitLength occurs as both.
  std::string text_or_number(std::string_view name) {
    const auto value = find(name);
    std::int64_t number = 0;
    if (value && value->get_int64().get(number) == simdjson::SUCCESS) return std::to_string(number);
    return text(name);
  }
  bool boolean(std::string_view name, bool absent) {
    const auto value = find(name);
    if (!value) return absent;
    bool out = absent;
    if (value->get_bool().get(out) != simdjson::SUCCESS) refuse(name, "true or false");
    return out;
  }
  // Integers may arrive as floats with an integral value (key-management-api.md 3.2).
  std::optional<std::int64_t> integer(std::string_view name) {
    const auto value = find(name);
    if (!value) return std::nullopt;
    std::int64_t out = 0;
    if (value->get_int64().get(out) == simdjson::SUCCESS) return out;
    double real = 0;
    if (value->get_double().get(real) == simdjson::SUCCESS && real >= -9e15 && real <= 9e15 &&
        static_cast<double>(static_cast<std::int64_t>(real)) == real) {
      return static_cast<std::int64_t>(real);
    }
    refuse(name, "an integer");
    return std::nullopt;
  }
  // Absent: 0.
  std::uint64_t count(std::string_view name) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer(name).value_or(0)));
  }
  Timestamp time(std::string_view name) {
    const std::string value = text(name);
    if (value.empty()) return {};
    auto parsed = parse_rfc3339(value);
    if (!parsed) {
      refuse(name, "an RFC 3339 time");
      return {};
    }
    return parsed.value();
  }
  std::vector<std::string> texts(std::string_view name) {
    std::vector<std::string> out;
    for (dom::element item : array(name)) {
      std::string_view value;
      if (item.get_string().get(value) == simdjson::SUCCESS) {
        out.emplace_back(value);
      } else {
        refuse(name, "a list of strings");
      }
    }
    return out;
  }
  std::optional<dom::object> object(std::string_view name) {
    const auto value = find(name);
    if (!value) return std::nullopt;
    dom::object out;
    if (value->get_object().get(out) != simdjson::SUCCESS) {
      refuse(name, "an object");
      return std::nullopt;
    }
    return out;
  }
  // Absent or null: an empty list.
  std::vector<dom::element> array(std::string_view name) {
    const auto value = find(name);
    std::vector<dom::element> out;
    if (!value) return out;
    dom::array items;
    if (value->get_array().get(items) != simdjson::SUCCESS) {
      refuse(name, "a list");
      return out;
    }
    for (dom::element item : items) out.push_back(item);
    return out;
  }
  bool has(std::string_view name) const { return find(name).has_value(); }
  std::string raw(std::string_view name) const {
    const auto value = find(name);
    return value ? simdjson::minify(*value) : std::string();
  }

  void refuse(std::string_view name, std::string_view expected) {
    if (error_) return;
    error_ =
        Error{Reason::BadBody,
              "the answer's field \"" + std::string(name) + "\" must be " + std::string(expected),
              std::string(name)};
  }
  void adopt(const Fields& inner) {
    if (!error_) error_ = inner.error_;
  }
  template <class T>
  Result<T> finish(T value) {
    if (error_) return std::move(*error_);
    return value;
  }

 private:
  std::optional<dom::element> find(std::string_view name) const {
    dom::element value;
    if (object_.at_key(name).get(value) != simdjson::SUCCESS || value.is_null())
      return std::nullopt;
    return value;
  }
  dom::object object_;
  std::optional<Error> error_;
};

}  // namespace keyhaven::client
