// A PKCS#11 module that forwards everything to another one and misbehaves as told: what the tests
// of src/token and of keyhaven-unit put between us and SoftHSM.
//
// KEYHAVEN_SHIM_MODULE  the real module
// KEYHAVEN_SHIM_PLAN    a file with the plan, read again at each call; without it the plan is set
// by
//                       keyhaven_shim_set_plan() in the same process
// KEYHAVEN_SHIM_LOG     a file that gets a line "C_Login 0xa0" for each C_Login, with its answer
//
// A plan is lines of:
//   FUNCTION N ACTION     at the Nth call of FUNCTION ("*": of any) since the plan changed; "N+" is
//                         the Nth and every later one. ACTION is
//                           fail CKR    answer CKR without calling the module
//                           after CKR   call the module, then answer CKR: an answer that was lost
//                           lose        close all sessions of all slots first, then forward
//                           hang        wait until the plan changes, then forward
//   hide MECHANISM        leave it out of C_GetMechanismList
//   flags BITS            set these in CK_TOKEN_INFO
// Numbers are decimal or 0x hexadecimal.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

// Every function of the list, in its order. (The formatter finds no stable form for it.)
// clang-format off
#define KH_PKCS11_FUNCTIONS(X) \
  X(C_Initialize) X(C_Finalize) X(C_GetInfo) X(C_GetFunctionList) X(C_GetSlotList) \
  X(C_GetSlotInfo) X(C_GetTokenInfo) X(C_GetMechanismList) X(C_GetMechanismInfo) X(C_InitToken) \
  X(C_InitPIN) X(C_SetPIN) X(C_OpenSession) X(C_CloseSession) X(C_CloseAllSessions) \
  X(C_GetSessionInfo) X(C_GetOperationState) X(C_SetOperationState) X(C_Login) X(C_Logout) \
  X(C_CreateObject) X(C_CopyObject) X(C_DestroyObject) X(C_GetObjectSize) X(C_GetAttributeValue) \
  X(C_SetAttributeValue) X(C_FindObjectsInit) X(C_FindObjects) X(C_FindObjectsFinal) \
  X(C_EncryptInit) X(C_Encrypt) X(C_EncryptUpdate) X(C_EncryptFinal) X(C_DecryptInit) \
  X(C_Decrypt) X(C_DecryptUpdate) X(C_DecryptFinal) X(C_DigestInit) X(C_Digest) \
  X(C_DigestUpdate) X(C_DigestKey) X(C_DigestFinal) X(C_SignInit) X(C_Sign) X(C_SignUpdate) \
  X(C_SignFinal) X(C_SignRecoverInit) X(C_SignRecover) X(C_VerifyInit) X(C_Verify) \
  X(C_VerifyUpdate) X(C_VerifyFinal) X(C_VerifyRecoverInit) X(C_VerifyRecover) \
  X(C_DigestEncryptUpdate) X(C_DecryptDigestUpdate) X(C_SignEncryptUpdate) \
  X(C_DecryptVerifyUpdate) X(C_GenerateKey) X(C_GenerateKeyPair) X(C_WrapKey) X(C_UnwrapKey) \
  X(C_DeriveKey) X(C_SeedRandom) X(C_GenerateRandom) X(C_GetFunctionStatus) X(C_CancelFunction) \
  X(C_WaitForSlotEvent)
// clang-format on

namespace {

enum class Action { None, Fail, After, Lose, Hang };

struct Rule {
  std::string function;
  unsigned long at = 0;
  bool and_later = false;
  Action action = Action::None;
  CK_RV rv = CKR_OK;
};

struct Shim {
  std::mutex mutex;
  std::condition_variable plan_changed;
  CK_FUNCTION_LIST* real = nullptr;
  std::string plan_text;
  unsigned long plan_number = 0;
  std::vector<Rule> rules;
  std::vector<CK_MECHANISM_TYPE> hidden;
  CK_FLAGS flags = 0;
  std::map<std::string, unsigned long> since_plan;
  std::map<std::string, unsigned long> ever;
  unsigned long fired = 0;
};

// Never destroyed: calls may hang in it while the process ends.
Shim& shim() {
  static auto* const the_one = new Shim;
  return *the_one;
}

unsigned long number(const std::string& text) { return std::strtoul(text.c_str(), nullptr, 0); }

Rule rule_of(const std::string& function, std::istringstream& words) {
  Rule rule;
  rule.function = function;
  std::string at;
  std::string action;
  std::string rv;
  words >> at >> action >> rv;
  rule.at = number(at);
  rule.and_later = !at.empty() && at.back() == '+';
  rule.rv = number(rv);
  if (action == "fail") rule.action = Action::Fail;
  if (action == "after") rule.action = Action::After;
  if (action == "lose") rule.action = Action::Lose;
  if (action == "hang") rule.action = Action::Hang;
  if (rule.action == Action::None) {
    std::fprintf(stderr, "token shim: no such action: %s\n", action.c_str());
    std::abort();
  }
  return rule;
}

// With the mutex held.
void take_plan(const std::string& text) {
  Shim& s = shim();
  if (text == s.plan_text && s.plan_number > 0) return;
  s.plan_text = text;
  ++s.plan_number;
  s.rules.clear();
  s.hidden.clear();
  s.flags = 0;
  s.since_plan.clear();
  s.fired = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first;
    if (!(words >> first)) continue;
    std::string value;
    if (first == "hide") {
      words >> value;
      s.hidden.push_back(number(value));
    } else if (first == "flags") {
      words >> value;
      s.flags = number(value);
    } else {
      s.rules.push_back(rule_of(first, words));
    }
  }
  s.plan_changed.notify_all();
}

void read_plan_file() {
  const char* const path = std::getenv("KEYHAVEN_SHIM_PLAN");
  if (path == nullptr) return;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  take_plan(text.str());
}

Rule next_action(const char* function) {
  Shim& s = shim();
  const std::lock_guard lock(s.mutex);
  read_plan_file();
  const unsigned long own = ++s.since_plan[function];
  const unsigned long any = ++s.since_plan["*"];
  ++s.ever[function];
  for (const Rule& rule : s.rules) {
    if (rule.function != "*" && rule.function != function) continue;
    const unsigned long count = rule.function == "*" ? any : own;
    if (count != rule.at && !(rule.and_later && count > rule.at)) continue;
    ++s.fired;
    return rule;
  }
  return {};
}

void wait_for_another_plan() {
  Shim& s = shim();
  std::unique_lock lock(s.mutex);
  const unsigned long at_start = s.plan_number;
  while (s.plan_number == at_start) {
    s.plan_changed.wait_for(lock, std::chrono::milliseconds(20));  // a plan file gives no signal
    read_plan_file();
  }
}

void lose_sessions() {
  CK_FUNCTION_LIST& real = *shim().real;
  std::array<CK_SLOT_ID, 256> slots{};
  CK_ULONG count = slots.size();
  if (real.C_GetSlotList(CK_FALSE, slots.data(), &count) != CKR_OK) return;
  for (CK_ULONG i = 0; i < count; ++i) real.C_CloseAllSessions(slots[i]);
}

void log_login(const char* function, CK_RV rv) {
  const char* const path = std::getenv("KEYHAVEN_SHIM_LOG");
  if (path == nullptr || std::string(function) != "C_Login") return;
  if (FILE* const file = std::fopen(path, "a")) {
    std::fprintf(file, "%s 0x%lx\n", function, rv);
    std::fclose(file);
  }
}

// What plans change besides return values.
template <class... Arguments>
void edit_answer(const char*, Arguments...) {}
void edit_answer(const char* function, CK_SLOT_ID, CK_TOKEN_INFO* info) {
  if (std::string(function) == "C_GetTokenInfo" && info != nullptr) info->flags |= shim().flags;
}
void edit_answer(const char*, CK_SLOT_ID, CK_MECHANISM_TYPE* list, CK_ULONG* count) {
  if (list == nullptr || count == nullptr) return;
  const std::vector<CK_MECHANISM_TYPE>& hidden = shim().hidden;
  CK_MECHANISM_TYPE* const end = std::remove_if(list, list + *count, [&](CK_MECHANISM_TYPE type) {
    return std::find(hidden.begin(), hidden.end(), type) != hidden.end();
  });
  *count = static_cast<CK_ULONG>(end - list);
}

template <class T>
struct Forwarder;

template <class... Arguments>
struct Forwarder<CK_RV (*)(Arguments...)> {
  template <CK_RV (*CK_FUNCTION_LIST::*member)(Arguments...), const char* name>
  static CK_RV call(Arguments... arguments) {
    const Rule rule = next_action(name);
    if (rule.action == Action::Hang) wait_for_another_plan();
    if (rule.action == Action::Lose) lose_sessions();
    CK_RV rv = rule.rv;
    if (rule.action != Action::Fail) {
      const CK_RV real = (shim().real->*member)(arguments...);
      if (rule.action != Action::After) rv = real;
      if (real == CKR_OK) edit_answer(name, arguments...);
    }
    log_login(name, rv);
    return rv;
  }
};

#define KH_NAME(function) constexpr char k_##function[] = #function;
KH_PKCS11_FUNCTIONS(KH_NAME)
#undef KH_NAME

CK_FUNCTION_LIST forwarding_list(const CK_FUNCTION_LIST& real) {
  CK_FUNCTION_LIST list{};
  list.version = real.version;
#define KH_FORWARD(function) \
  list.function =            \
      &Forwarder<CK_##function>::template call<&CK_FUNCTION_LIST::function, k_##function>;
  KH_PKCS11_FUNCTIONS(KH_FORWARD)
#undef KH_FORWARD
  return list;
}

CK_FUNCTION_LIST* load_real() {
  const char* const path = std::getenv("KEYHAVEN_SHIM_MODULE");
  void* const library = path == nullptr ? nullptr : dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* list = nullptr;
  return get != nullptr && get(&list) == CKR_OK ? list : nullptr;
}

}  // namespace

extern "C" {

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  Shim& s = shim();
  const std::lock_guard lock(s.mutex);
  if (s.real == nullptr) s.real = load_real();
  if (s.real == nullptr) return CKR_LIBRARY_LOAD_FAILED;
  static CK_FUNCTION_LIST forwarding = forwarding_list(*s.real);
  *list = &forwarding;
  return CKR_OK;
}

// Sets the plan, counts from here on, and releases calls that hang.
void keyhaven_shim_set_plan(const char* text) {
  const std::lock_guard lock(shim().mutex);
  shim().plan_number += 1;
  shim().plan_text = "\n";  // so that the same text begins anew
  take_plan(text);
}

// Calls of a function since the process began.
unsigned long keyhaven_shim_calls(const char* function) {
  const std::lock_guard lock(shim().mutex);
  const auto found = shim().ever.find(function);
  return found == shim().ever.end() ? 0 : found->second;
}

// How often a rule of the plan has acted.
unsigned long keyhaven_shim_fired() {
  const std::lock_guard lock(shim().mutex);
  return shim().fired;
}
}
