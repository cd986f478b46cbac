#include "http/form.h"

#include <algorithm>

namespace keyhaven::http {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decodes in place; the result is never longer. Nothing for a broken escape.
std::optional<std::string_view> decode_part(std::span<char> part) {
  std::size_t out = 0;
  for (std::size_t in = 0; in < part.size(); ++in, ++out) {
    char c = part[in];
    if (c == '+') c = ' ';
    if (c == '%') {
      if (in + 2 >= part.size()) return std::nullopt;
      const int high = digit_of(part[in + 1]);
      const int low = digit_of(part[in + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      in += 2;
    }
    part[out] = c;
  }
  return std::string_view(part.data(), out);
}

}  // namespace

Result<Form> Form::decode(std::span<std::uint8_t> body) {
  if (body.size() > kMaxFormBytes)
    return Error{Reason::BadBody, "the form is larger than 16384 bytes", {}};
  std::span<char> rest(reinterpret_cast<char*>(body.data()), body.size());
  Form form;
  while (!rest.empty()) {
    const auto end = std::find(rest.begin(), rest.end(), '&');
    const std::size_t size = static_cast<std::size_t>(end - rest.begin());
    const std::span<char> pair = rest.first(size);
    rest = rest.subspan(std::min(size + 1, rest.size()));
    if (pair.empty()) continue;
    const std::size_t equals =
        static_cast<std::size_t>(std::find(pair.begin(), pair.end(), '=') - pair.begin());
    const auto name = decode_part(pair.first(equals));
    const auto value = decode_part(pair.subspan(std::min(equals + 1, pair.size())));
    if (!name || !value)
      return Error{Reason::BadBody, "the form holds a broken percent escape", {}};
    if (form.fields_.size() >= kMaxFormFields)
      return Error{Reason::BadBody, "the form has too many fields", {}};
    form.fields_.push_back({*name, *value});
  }
  return form;
}

std::optional<std::string_view> Form::field(std::string_view name) const {
  std::optional<std::string_view> out;
  for (const Field& field : fields_) {
    if (field.name != name) continue;
    if (out) return std::nullopt;
    out = field.value;
  }
  return out;
}

}  // namespace keyhaven::http
