#include "unitd/sealing_methods.h"

#include <algorithm>

namespace keyhaven::unitd {
namespace {

using unit::SealingMethod;

Error wrong(std::string message) { return {Reason::InvalidArgument, std::move(message), {}}; }

Error not_here(SealingMethod method) {
  return {Reason::NotSupported,
          "sealing by " + std::string(name_of(method)) + " is not done by the helper",
          {}};
}

}  // namespace

Result<std::map<std::string, std::string>> parse_reference(
    std::string_view text, const std::vector<std::string_view>& names) {
  std::map<std::string, std::string> out;
  if (text.size() > kMaxReferenceBytes) return wrong("the reference is too long");
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    if (equals == std::string_view::npos || equals + 1 == item.size() ||
        std::find(names.begin(), names.end(), name) == names.end() ||
        !out.emplace(name, item.substr(equals + 1)).second) {
      std::string known;
      for (const std::string_view one : names)
        known += (known.empty() ? "" : ";") + std::string(one) + "=...";
      return wrong("the reference \"" + std::string(item) + "\" is not understood; expected " +
                   known);
    }
  }
  return out;
}

Result<SecretBytes> read_named(const SealingMeans& means, SealingMethod method,
                               const std::string& stored_name, bool is_text) {
  const auto read = [&](const std::string& name) {
    return is_text ? means.credentials.read_text(name) : means.credentials.read(name);
  };
  auto found = read(stored_name);
  const bool has_other = means.configured == method && !means.configured_reference.empty() &&
                         means.configured_reference != stored_name;
  if (found || !has_other) return found;
  auto other = read(means.configured_reference);
  return other ? std::move(other) : std::move(found);
}

Error damaged_parameters() {
  return wrong("its header does not describe its sealing as this program writes it");
}

Result<std::unique_ptr<Sealing>> new_sealing(const SealingMeans& means, SealingMethod method,
                                             const std::string& reference) {
  switch (method) {
    case SealingMethod::Passphrase:
      if (!reference.empty() && !is_credential_name(reference))
        return wrong("the reference of a passphrase is the name of a credential, or nothing");
      return passphrase_sealing(means, reference);
    case SealingMethod::SystemdCredential:
      if (!is_credential_name(reference))
        return wrong("the reference of systemd-creds is the name of a credential");
      return credential_sealing(means, reference);
    case SealingMethod::Pkcs11:
      return pkcs11_sealing(means, reference);
    case SealingMethod::Tpm2:
      return tpm2_sealing(means, reference);
    case SealingMethod::KeyFile:
    case SealingMethod::None:
      return not_here(method);
  }
  return not_here(method);
}

Result<std::unique_ptr<Sealing>> stored_sealing(const SealingMeans& means, SealingMethod method,
                                                ByteView parameters) {
  switch (method) {
    case SealingMethod::Passphrase:
      return stored_passphrase_sealing(means, parameters);
    case SealingMethod::SystemdCredential:
      return stored_credential_sealing(means, parameters);
    case SealingMethod::Pkcs11:
      return stored_pkcs11_sealing(means, parameters);
    case SealingMethod::Tpm2:
      return stored_tpm2_sealing(means, parameters);
    case SealingMethod::KeyFile:
    case SealingMethod::None:
      return not_here(method);
  }
  return not_here(method);
}

}  // namespace keyhaven::unitd
