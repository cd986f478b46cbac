// The JSON reader of request bodies, through every kind of value reader; and the writer: what it
// writes is read back the same.
#include <vector>

#include "fuzz.h"
#include "http/json.h"
#include "net/http_server.h"

using namespace keyhaven;
using http::JsonValue;

namespace {

// A body with the slack that the reader demands.
class Body {
 public:
  explicit Body(std::string_view text) : size_(text.size()), bytes_(text.begin(), text.end()) {
    bytes_.resize(size_ + net::kBodySlack);
  }
  std::span<std::uint8_t> view() { return {bytes_.data(), size_}; }

 private:
  std::size_t size_;
  std::vector<std::uint8_t> bytes_;
};

struct Walk {
  std::vector<std::string> texts;
  std::vector<std::int64_t> integers;

  // The member's name chooses how its value is read, so that the input decides.
  Result<void> read(std::string_view name, JsonValue& value) {
    if (value.is_object()) {
      return value.object(
          [this](std::string_view inner, JsonValue& member) { return read(inner, member); });
    }
    if (value.is_array()) {
      if (name.starts_with('s')) {
        auto strings = KH_TRY(value.strings("s", 10, 100));
        KH_ASSERT(strings.size() <= 10);
        return {};
      }
      return value.array([this, name](JsonValue& element) { return read(name, element); });
    }
    if (value.is_null() || name.empty()) return {};
    switch (name.front()) {
      case 'b': {
        const SecretBytes secret = KH_TRY(value.base64_secret("b", 64));
        KH_ASSERT(secret.size() <= 64);
        return {};
      }
      case 'c': {
        const Bytes bytes = KH_TRY(value.base64("c", 64, Reason::NotACiphertext));
        KH_ASSERT(bytes.size() <= 64);
        return {};
      }
      case 'd':
        return only_error(value.date("d"));
      case 'i': {
        integers.push_back(KH_TRY(value.integer("i")));
        return {};
      }
      case 'o':
        return only_error(value.boolean("o"));
      case 't': {
        texts.push_back(KH_TRY(value.text("t", 200)));
        KH_ASSERT(texts.back().size() <= 200);
        return {};
      }
      default:
        return {};  // left alone: still validated
    }
  }

 private:
  template <class T>
  static Result<void> only_error(const Result<T>& result) {
    if (!result) return result.error();
    return {};
  }
};

void read_back(const Walk& walk) {
  for (const std::string& text : walk.texts) {
    std::string json;
    http::JsonWriter(json).begin_object().field("t", text).end_object();
    Body body(json);
    Walk again;
    const auto read = http::read_json(
        body.view(),
        [&again](std::string_view name, JsonValue& value) { return again.read(name, value); });
    KH_ASSERT(read && again.texts.size() == 1 && again.texts[0] == text);
  }
  for (const std::int64_t number : walk.integers) {
    std::string json;
    http::JsonWriter(json).begin_object().field("i", number).end_object();
    Body body(json);
    Walk again;
    const auto read = http::read_json(
        body.view(),
        [&again](std::string_view name, JsonValue& value) { return again.read(name, value); });
    KH_ASSERT(read && again.integers.size() == 1 && again.integers[0] == number);
  }
}

}  // namespace

KH_FUZZ_TARGET(in) {
  {
    Body body(as_text(in));
    Walk walk;
    const auto read = http::read_json(
        body.view(),
        [&walk](std::string_view name, JsonValue& value) { return walk.read(name, value); });
    if (read) read_back(walk);
  }
  {
    Body body(as_text(in));
    Walk walk;
    const auto read = http::read_envelope(
        body.view(), [&walk](JsonValue& value) { return walk.read("r", value); });
    static_cast<void>(read);
  }
  // Whatever bytes a text has, as a JSON string it can be read.
  std::string json = "{\"t\":";
  http::append_json_string(json, as_text(in).substr(0, 60));
  json += '}';
  Body body(json);
  Walk walk;
  const auto read = http::read_json(body.view(), [&walk](std::string_view name, JsonValue& value) {
    return walk.read(name, value);
  });
  KH_ASSERT(read && walk.texts.size() == 1);
}
