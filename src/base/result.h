// Expected failures as values: Result<T> holds a T or an Error; broken invariants stop the process.
//
// Shaped like std::expected (which g++ 12 lacks in C++20 mode) so that moving there is a small
// edit.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/reason.h"

namespace keyhaven {

// Why an operation failed. `message` is for the caller: what was wrong, what was expected, the
// limit, the remedy; never a secret, SQL or a file path the caller does not own. `target` names the
// field, query parameter or header concerned; empty when none is.
struct Error {
  Reason reason = Reason::Internal;
  std::string message;
  std::string target;

  Errc code() const noexcept { return errc_of(reason); }
};

// Stops the process: a programming error, or a state in which going on could lose or leak a key.
// Never returns.
[[noreturn]] void fatal(const char* file, int line, const char* what) noexcept;

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  T& value() & { return *checked(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  const Error& error() const& { return *checked(std::get_if<1>(&state_)); }
  Error&& error() && { return std::move(*checked(std::get_if<1>(&state_))); }

 private:
  template <class P>
  static P checked(P pointer) {
    if (pointer == nullptr) [[unlikely]] {
      fatal(__FILE__, __LINE__, "Result accessed in the wrong state");
    }
    return pointer;
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT
  bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const {
    if (error_) fatal(__FILE__, __LINE__, "Result accessed in the wrong state");
  }
  const Error& error() const& { return error_.value(); }
  Error&& error() && { return std::move(error_).value(); }

 private:
  std::optional<Error> error_;
};

}  // namespace keyhaven

// Yields the value, or returns the error from the enclosing function. Use it as a whole statement
// or a whole initialiser, never inside a larger expression: the order of destruction is only
// obvious there.
#define KH_TRY(expression)                 \
  __extension__({                          \
    auto kh_result = (expression);         \
    if (!kh_result) [[unlikely]]           \
      return std::move(kh_result).error(); \
    std::move(kh_result).value();          \
  })

// Checks an invariant in every build; on violation the process stops.
#define KH_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::keyhaven::fatal(__FILE__, __LINE__, #condition))
