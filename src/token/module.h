// A PKCS#11 library of this process: loaded and initialised once however many tokens use it, and
// the search for a token among its slots. Internal to token/.
//
// Libraries stay loaded for the life of the process: modules leave threads and handlers behind.
// C_Finalize is called when the last user leaves, if it was us who initialised.
#pragma once

#include <memory>
#include <string>

#include "token/ckr.h"
#include "token/token.h"

namespace keyhaven::token {

class Module {
 public:
  // Loads and initialises. Errors: InvalidArgument, UnitUnavailable (C_Initialize failed).
  static Result<std::shared_ptr<Module>> load(const std::string& path);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  const CK_FUNCTION_LIST& functions() const noexcept { return *functions_; }
  const std::string& path() const noexcept { return path_; }
  // Initialises again after CKR_CRYPTOKI_NOT_INITIALIZED; OK when somebody else did meanwhile.
  Failure initialise_again();

 private:
  Module(std::string path, CK_FUNCTION_LIST* functions)
      : path_(std::move(path)), functions_(functions) {}
  std::string path_;
  CK_FUNCTION_LIST* functions_;
};

struct SlotOfToken {
  CK_SLOT_ID id = 0;
  CK_TOKEN_INFO info{};
};

// The slot whose token matches. Errors: NotFound, Conflict, UnitUnavailable; `failure` then holds
// the call that failed, if one did.
Result<SlotOfToken> find_slot(const Module& module, const TokenChoice& choice, Failure& failure);

// Errors: NotSupported, naming the first mechanism that is missing; UnitUnavailable.
Result<void> check_mechanisms(const Module& module, CK_SLOT_ID slot, const TokenNeeds& needs,
                              const std::string& who);

TokenFacts facts_of(const Module& module, const CK_TOKEN_INFO& info);

// "PKCS#11 token 'LABEL' (libsofthsm2.so)": the file without its path, because callers of the
// service may read it.
std::string who_of(const TokenChoice& choice);

// Text of a fixed-size field, without the blanks (or zeros) that fill it.
template <std::size_t size>
std::string field_text(const unsigned char (&field)[size]) {
  std::string text(reinterpret_cast<const char*>(field), size);
  const std::size_t end = text.find_last_not_of(std::string_view(" \0", 2));
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text;
}

}  // namespace keyhaven::token
