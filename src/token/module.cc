#include "token/module.h"

#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

namespace keyhaven::token {

namespace {

constexpr CK_ULONG kLargestList = 65536;  // slots or mechanisms; a module that says more is broken
constexpr int kListTries = 4;             // the list may grow between asking its size and reading

struct Loaded {
  CK_FUNCTION_LIST* functions = nullptr;
  unsigned users = 0;
  bool initialised_by_us = false;
};

// Guards `loaded` and every C_Initialize and C_Finalize of this process. Never destroyed: threads
// that hang in a module may come back while the process ends.
struct Libraries {
  std::mutex mutex;
  std::map<std::string, Loaded> loaded;
};
Libraries& libraries() {
  static auto* const all = new Libraries;
  return *all;
}

Error not_a_module(const std::string& path, const std::string& why) {
  return Error{Reason::InvalidArgument,
               "PKCS#11 module " + path + " cannot be used: " + why +
                   ". Give the absolute path of the library that came with the token, such as "
                   "/usr/lib/softhsm/libsofthsm2.so",
               {}};
}

Result<CK_FUNCTION_LIST*> load_library(const std::string& path) {
  if (path.empty() || path.front() != '/') return not_a_module(path, "the path is not absolute");
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* const why = dlerror();
    return not_a_module(path, why == nullptr ? "it does not load" : why);
  }
  const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  if (get_list == nullptr) return not_a_module(path, "it has no function C_GetFunctionList");
  CK_FUNCTION_LIST* functions = nullptr;
  const CK_RV rv = get_list(&functions);
  if (rv != CKR_OK) return not_a_module(path, describe({rv, "C_GetFunctionList"}));
  if (functions == nullptr || functions->version.major != 2) {
    return not_a_module(path, "it does not speak PKCS#11 version 2");
  }
  return functions;
}

CK_RV initialise(const CK_FUNCTION_LIST& functions, bool& by_us) {
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV rv = functions.C_Initialize(&arguments);
  by_us = rv == CKR_OK;
  return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

// Reads a list whose size is asked first: `call(pointer, count)`.
template <class T, class F>
CK_RV read_list(std::vector<T>& out, const F& call) {
  CK_RV rv = CKR_BUFFER_TOO_SMALL;
  for (int i = 0; i < kListTries && rv == CKR_BUFFER_TOO_SMALL; ++i) {
    CK_ULONG count = 0;
    rv = call(nullptr, &count);
    if (rv != CKR_OK) return rv;
    if (count > kLargestList) return CKR_GENERAL_ERROR;
    out.assign(count, T{});
    if (count == 0) return CKR_OK;
    rv = call(out.data(), &count);
    if (rv == CKR_OK) out.resize(std::min<std::size_t>(count, out.size()));
  }
  return rv;
}

bool matches(const TokenChoice& choice, const CK_TOKEN_INFO& info) {
  if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) return false;
  if (!choice.label.empty() && field_text(info.label) != choice.label) return false;
  return choice.serial.empty() || field_text(info.serialNumber) == choice.serial;
}

std::string wanted(const TokenChoice& choice) {
  std::string out;
  if (!choice.label.empty()) out += " label '" + choice.label + "'";
  if (!choice.serial.empty()) out += " serial '" + choice.serial + "'";
  return out;
}

struct NamedMechanism {
  bool needed;
  CK_MECHANISM_TYPE type;
  const char* name;
  const char* purpose;
};

}  // namespace

Result<void> preload_module(const std::string& module_path) {
  KH_TRY(load_library(module_path));
  return {};
}

Result<std::shared_ptr<Module>> Module::load(const std::string& path) {
  CK_FUNCTION_LIST* const functions = KH_TRY(load_library(path));
  const std::lock_guard lock(libraries().mutex);
  Loaded& entry = libraries().loaded[path];
  entry.functions = functions;
  if (entry.users == 0) {
    const CK_RV rv = initialise(*functions, entry.initialised_by_us);
    if (rv != CKR_OK) return token_error("PKCS#11 module " + path, {rv, "C_Initialize"});
  }
  ++entry.users;
  return std::shared_ptr<Module>(new Module(path, functions));
}

Module::~Module() {
  const std::lock_guard lock(libraries().mutex);
  Loaded& entry = libraries().loaded[path_];
  if (--entry.users > 0 || !entry.initialised_by_us) return;
  entry.initialised_by_us = false;
  functions_->C_Finalize(nullptr);  // nothing is left to do if it fails
}

Failure Module::initialise_again() {
  const std::lock_guard lock(libraries().mutex);
  Loaded& entry = libraries().loaded[path_];
  bool by_us = false;
  const CK_RV rv = initialise(*functions_, by_us);
  entry.initialised_by_us = entry.initialised_by_us || by_us;
  return rv == CKR_OK ? Failure{} : Failure{rv, "C_Initialize"};
}

Result<SlotOfToken> find_slot(const Module& module, const TokenChoice& choice, Failure& failure) {
  const CK_FUNCTION_LIST& f = module.functions();
  std::vector<CK_SLOT_ID> slots;
  const CK_RV listed = read_list(slots, [&](CK_SLOT_ID* out, CK_ULONG* count) {
    return f.C_GetSlotList(CK_TRUE, out, count);
  });
  if (listed != CKR_OK) {
    failure = {listed, "C_GetSlotList"};
    return token_error(who_of(choice), failure);
  }
  SlotOfToken found;
  std::size_t matching = 0;
  std::string seen;
  Failure unread;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    const CK_RV rv = f.C_GetTokenInfo(slot, &info);
    if (rv != CKR_OK) unread = {rv, "C_GetTokenInfo"};  // another slot may hold ours
    if (rv != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (seen.size() < 400) seen += (seen.empty() ? "'" : ", '") + field_text(info.label) + "'";
    if (!matches(choice, info)) continue;
    if (matching++ == 0) found = {slot, info};
  }
  if (matching == 1) return found;
  if (matching == 0 && unread.rv != CKR_OK) {
    failure = unread;
    return token_error(who_of(choice), failure);
  }
  if (matching == 0) {
    return Error{Reason::NotFound,
                 who_of(choice) + ": the module has no token with" + wanted(choice) + "; it has " +
                     (seen.empty() ? "none that is initialised" : seen) +
                     ". Remedy: check the label and the module's configuration (SoftHSM: "
                     "SOFTHSM2_CONF)",
                 {}};
  }
  return Error{Reason::Conflict,
               who_of(choice) + ": several tokens have" + wanted(choice) +
                   ". Remedy: name the token by its serial number",
               {}};
}

Result<void> check_mechanisms(const Module& module, CK_SLOT_ID slot, const TokenNeeds& needs,
                              const std::string& who) {
  const CK_FUNCTION_LIST& f = module.functions();
  std::vector<CK_MECHANISM_TYPE> offered;
  const CK_RV rv = read_list(offered, [&](CK_MECHANISM_TYPE* out, CK_ULONG* count) {
    return f.C_GetMechanismList(slot, out, count);
  });
  if (rv != CKR_OK) return token_error(who, {rv, "C_GetMechanismList"});
  const NamedMechanism wanted_mechanisms[] = {
      {needs.aes_gcm, CKM_AES_GCM, "CKM_AES_GCM", "to seal keys"},
      {needs.aes_cmac, CKM_AES_CMAC, "CKM_AES_CMAC", "to derive keys"},
      {needs.aes_ecb, CKM_AES_ECB, "CKM_AES_ECB", "to encrypt single blocks"},
      {needs.p521, CKM_ECDSA, "CKM_ECDSA", "to sign"},
  };
  for (const NamedMechanism& mechanism : wanted_mechanisms) {
    if (!mechanism.needed || std::ranges::count(offered, mechanism.type) > 0) continue;
    return Error{Reason::NotSupported,
                 who + ": it does not offer the mechanism " + mechanism.name +
                     ", which is needed " + mechanism.purpose +
                     ". Remedy: enable it in the token's policy or use a token that has it",
                 {}};
  }
  return {};
}

TokenFacts facts_of(const Module& module, const CK_TOKEN_INFO& info) {
  TokenFacts facts{.module_path = module.path(),
                   .library = {},
                   .label = field_text(info.label),
                   .serial = field_text(info.serialNumber),
                   .manufacturer = field_text(info.manufacturerID),
                   .model = field_text(info.model)};
  CK_INFO library{};
  if (module.functions().C_GetInfo(&library) == CKR_OK) {
    facts.library = field_text(library.manufacturerID) + " " +
                    std::to_string(library.libraryVersion.major) + "." +
                    std::to_string(library.libraryVersion.minor) + ", " +
                    field_text(library.libraryDescription);
  }
  return facts;
}

std::string who_of(const TokenChoice& choice) {
  const std::string file = choice.module_path.substr(choice.module_path.rfind('/') + 1);
  return "PKCS#11 token '" + (choice.label.empty() ? choice.serial : choice.label) + "' (" + file +
         ")";
}

}  // namespace keyhaven::token
