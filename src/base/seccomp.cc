#include "base/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace keyhaven {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;  // no filter: numbers unknown
#endif

using Program = std::vector<sock_filter>;
constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;

constexpr std::uint32_t refuse(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

sock_filter statement(int code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}
sock_filter answer(std::uint32_t value) { return statement(BPF_RET | BPF_K, value); }
sock_filter load(std::size_t offset) {
  return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
// Goes on with the next statement when the accumulator passes the test; else `statements` later.
sock_filter unless_skip(int test, std::uint32_t k, std::uint8_t statements) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), 0, statements, k};
}
sock_filter if_skip(int test, std::uint32_t k, std::uint8_t statements) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), statements, 0, k};
}

// The number of the call is in the accumulator from here on.
void begin(Program& out) {
  out.push_back(load(offsetof(seccomp_data, arch)));
  out.push_back(if_skip(BPF_JEQ, kArchitecture, 1));
  out.push_back(answer(refuse(ENOSYS)));
  out.push_back(load(offsetof(seccomp_data, nr)));
#if defined(__x86_64__)
  out.push_back(unless_skip(BPF_JGE, 0x40000000, 1));  // x32
  out.push_back(answer(refuse(ENOSYS)));
#endif
}

void decide(Program& out, long call, std::uint32_t value) {
  out.push_back(unless_skip(BPF_JEQ, static_cast<std::uint32_t>(call), 1));
  out.push_back(answer(value));
}

void decide(Program& out, const SystemCallCondition& condition) {
  using Test = SystemCallCondition::Test;
  // Both architectures are little-endian: the low half comes first.
  const std::size_t low = offsetof(seccomp_data, args) + 8 * condition.argument;
  Program body;
  switch (condition.test) {
    case Test::HasAll:
      body = {load(low), statement(BPF_ALU | BPF_AND | BPF_K, condition.value),
              unless_skip(BPF_JEQ, condition.value, 1)};
      break;
    case Test::NotAll:
      body = {load(low), statement(BPF_ALU | BPF_AND | BPF_K, condition.value),
              if_skip(BPF_JEQ, condition.value, 1)};
      break;
    case Test::HasNone:
      body = {load(low), if_skip(BPF_JSET, condition.value, 1)};
      break;
    case Test::Differs:  // the next condition may be about the same call
      out.push_back(unless_skip(BPF_JEQ, static_cast<std::uint32_t>(condition.call), 4));
      out.push_back(load(low));
      out.push_back(unless_skip(BPF_JEQ, condition.value, 1));
      out.push_back(answer(refuse(EPERM)));
      out.push_back(load(offsetof(seccomp_data, nr)));
      return;
    case Test::Equals:
      body = {load(low + 4), unless_skip(BPF_JEQ, 0, 3), load(low),
              unless_skip(BPF_JEQ, condition.value, 1)};
      break;
  }
  body.push_back(answer(kAllow));
  body.push_back(answer(refuse(EPERM)));
  out.push_back(unless_skip(BPF_JEQ, static_cast<std::uint32_t>(condition.call),
                            static_cast<std::uint8_t>(body.size())));
  out.insert(out.end(), body.begin(), body.end());
}

bool install(Program& program, unsigned flags) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) == 0;
}

// Apart from the other filter, because this refusal is expected at every new thread and must not
// fill the kernel's log.
bool install_clone3_filter() {
  Program program;
  begin(program);
  decide(program, SYS_clone3, refuse(ENOSYS));
  program.push_back(answer(kAllow));
  return install(program, 0);
}

bool install_rules(const SystemCallRules& rules) {
  const bool allowed = rules.listed == SystemCallRules::Listed::AreAllowed;
  Program program;
  begin(program);
  decide(program, SYS_clone3, kAllow);  // refused by the other filter
  for (const SystemCallCondition& condition : rules.conditions) decide(program, condition);
  for (const long call : rules.calls) decide(program, call, allowed ? kAllow : refuse(EPERM));
  program.push_back(answer(allowed ? refuse(EPERM) : kAllow));
  return install(program, SECCOMP_FILTER_FLAG_LOG) || install(program, 0);  // before Linux 4.14
}

}  // namespace

Result<void> restrict_system_calls(const SystemCallRules& rules) {
  if (kArchitecture != 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      install_clone3_filter() && install_rules(rules)) {
    return {};
  }
  return Error{Reason::NotSupported, "no seccomp filter", ""};
}

}  // namespace keyhaven
