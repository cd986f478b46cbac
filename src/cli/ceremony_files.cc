#include "cli/ceremony_files.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <filesystem>
#include <iterator>

#include "base/file.h"
#include "cli/context.h"
#include "tke/certificate.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kSignatureKeyEnding = ".sigkey";
constexpr std::string_view kReferenceEnding = ".signer";
constexpr std::string_view kKeyPartEnding = ".mkpart";
constexpr std::string_view kWorkingSetName = "/DOMAINS";
constexpr std::string_view kRootPrefix = "/ATTESTATION_ROOT.";
constexpr std::size_t kMaxFiles = 1000;
constexpr std::size_t kMaxWorkingSetBytes = 1024 * 1024;
constexpr std::size_t kMaxRootBytes = 4096;

bool is_label_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '.' || letter == '-' || letter == '_';
}

Result<void> check_label(const std::string& label) {
  const bool is_good = !label.empty() && label.size() <= tke::kMaxAdministratorNameBytes &&
                       label.front() != '.' &&
                       std::all_of(label.begin(), label.end(), is_label_letter);
  if (is_good) return {};
  return Error{Reason::InvalidArgument,
               "the name \"" + label + "\" must be 1 to 30 letters, digits, '.', '-' or '_'",
               "name"};
}

// Files of one ending, sorted; the path of each.
Result<std::vector<std::string>> paths_of(const std::string& directory, std::string_view ending) {
  std::vector<std::string> out;
  std::error_code failed;
  for (auto entry = std::filesystem::directory_iterator(directory, failed);
       !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::string path = entry->path().string();
    if (path.size() > ending.size() && path.ends_with(ending)) out.push_back(path);
    if (out.size() > kMaxFiles)
      return Error{Reason::TooLarge, directory + " holds more than 1000 key files", {}};
  }
  if (failed)
    return Error{Reason::InvalidArgument, directory + " cannot be read: " + failed.message(),
                 "CLOUDTKEFILES"};
  std::sort(out.begin(), out.end());
  return out;
}

std::string label_of(const std::string& path) {
  return std::filesystem::path(path).stem().string();
}

Result<SignatureKeyFile> read_signature_key(const std::string& path) {
  const std::string text = KH_TRY(read_text(path, tke::kMaxKeyFileBytes));
  if (path.ends_with(kReferenceEnding)) {
    auto reference = tke::parse_signer_reference(text);
    if (!reference)
      return Error{Reason::InvalidArgument, path + ": " + reference.error().message, {}};
    return SignatureKeyFile{label_of(path),
                            path,
                            {reference->name, reference->ski, tke::SignatureKeyType::P521},
                            std::move(reference).value()};
  }
  auto info = tke::inspect_signature_key(text);
  if (!info) return Error{Reason::InvalidArgument, path + ": " + info.error().message, {}};
  return SignatureKeyFile{label_of(path), path, std::move(info).value(), std::nullopt};
}

Result<KeyPartFile> read_key_part(const std::string& path) {
  const std::string text = KH_TRY(read_text(path, tke::kMaxKeyFileBytes));
  auto info = tke::inspect_key_part(text);
  if (!info) return Error{Reason::InvalidArgument, path + ": " + info.error().message, {}};
  return KeyPartFile{label_of(path), path, std::move(info).value()};
}

template <class File, class Read>
Result<std::vector<File>> read_all(const std::string& directory, std::string_view ending,
                                   Read read) {
  const auto paths = KH_TRY(paths_of(directory, ending));
  std::vector<File> out;
  for (const std::string& path : paths) {
    File file = KH_TRY(read(path));
    out.push_back(std::move(file));
  }
  return out;
}

// A label wins over a number, a number over a path: "1" may be a label.
template <class File, class Read>
Result<File> find(const std::vector<File>& files, std::string_view choice, std::string_view verb,
                  Read read) {
  for (const File& file : files) {
    if (file.label == choice) return file;
  }
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(choice.data(), choice.data() + choice.size(), number);
  if (failed == std::errc{} && end == choice.data() + choice.size() && number >= 1 &&
      number <= files.size()) {
    return files[number - 1];
  }
  if (choice.find('/') != std::string_view::npos) return read(std::string(choice));
  return Error{Reason::InvalidArgument,
               "\"" + std::string(choice) +
                   "\" is none of the files in CLOUDTKEFILES: see \"keyhaven tke " +
                   std::string(verb) + '"',
               {}};
}

std::string root_path(const std::string& directory, const std::string& address) {
  std::string name;
  const auto scheme = address.find("://");
  for (const char letter : scheme == std::string::npos ? address : address.substr(scheme + 3)) {
    name += is_label_letter(letter) ? letter : '_';
  }
  return directory + std::string(kRootPrefix) + name;
}

}  // namespace

std::string SignatureKeyFile::administrator() const {
  return info.name.empty() ? label.substr(0, tke::kMaxAdministratorNameBytes) : info.name;
}

Result<CeremonyFiles> CeremonyFiles::open(const Context& context) {
  std::string directory = context.variable("CLOUDTKEFILES");
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  if (directory.empty()) {
    return Error{Reason::InvalidArgument,
                 "CLOUDTKEFILES is not set: it names the directory for signature keys and key "
                 "parts; make one that only "
                 "you can read (mkdir -m 700 DIR; export CLOUDTKEFILES=DIR)",
                 "CLOUDTKEFILES"};
  }
  std::error_code failed;
  if (!std::filesystem::is_directory(directory, failed)) {
    return Error{Reason::InvalidArgument, "CLOUDTKEFILES: " + directory + " is no directory",
                 "CLOUDTKEFILES"};
  }
  return CeremonyFiles(std::move(directory));
}

Result<std::vector<SignatureKeyFile>> CeremonyFiles::signature_keys() const {
  auto out =
      KH_TRY(read_all<SignatureKeyFile>(directory_, kSignatureKeyEnding, read_signature_key));
  auto references =
      KH_TRY(read_all<SignatureKeyFile>(directory_, kReferenceEnding, read_signature_key));
  std::move(references.begin(), references.end(), std::back_inserter(out));
  std::sort(out.begin(), out.end(),
            [](const auto& one, const auto& other) { return one.label < other.label; });
  return out;
}

Result<std::vector<KeyPartFile>> CeremonyFiles::key_parts() const {
  return read_all<KeyPartFile>(directory_, kKeyPartEnding, read_key_part);
}

Result<SignatureKeyFile> CeremonyFiles::find_signature_key(std::string_view choice) const {
  const auto files = KH_TRY(signature_keys());
  return find(files, choice, "sigkeys", read_signature_key);
}

Result<KeyPartFile> CeremonyFiles::find_key_part(std::string_view choice) const {
  const auto files = KH_TRY(key_parts());
  return find(files, choice, "mks", read_key_part);
}

Result<SignatureKeyFile> CeremonyFiles::add_signature_key(const std::string& label,
                                                          const SecretBytes& password) const {
  KH_TRY(check_signature_key_label(label));
  const crypto::P521PrivateKey key = crypto::P521PrivateKey::generate();
  const std::string text = KH_TRY(tke::encode_signature_key(key, label, password));
  const std::string path = directory_ + '/' + label + std::string(kSignatureKeyEnding);
  KH_TRY(create_file(path, as_bytes(text), 0600));
  return read_signature_key(path);
}

Result<void> CeremonyFiles::check_signature_key_label(const std::string& label) const {
  KH_TRY(check_label(label));
  for (const std::string_view ending : {kSignatureKeyEnding, kReferenceEnding}) {
    std::error_code failed;
    const std::string path = directory_ + '/' + label + std::string(ending);
    if (std::filesystem::exists(path, failed))
      return Error{Reason::AlreadyExists, path + " exists already", "name"};
  }
  return {};
}

Result<SignatureKeyFile> CeremonyFiles::add_signer_reference(
    const std::string& label, const tke::SignerReference& reference) const {
  KH_TRY(check_signature_key_label(label));
  const std::string text = KH_TRY(tke::encode_signer_reference(reference));
  const std::string path = directory_ + '/' + label + std::string(kReferenceEnding);
  KH_TRY(create_file(path, as_bytes(text), 0600));
  return read_signature_key(path);
}

Result<KeyPartFile> CeremonyFiles::add_key_part(const std::string& label, const SecretBytes& part,
                                                const SecretBytes& password) const {
  KH_TRY(check_label(label));
  const std::string text = KH_TRY(tke::encode_key_part(part, label, password));
  const std::string path = directory_ + '/' + label + std::string(kKeyPartEnding);
  KH_TRY(create_file(path, as_bytes(text), 0600));
  return read_key_part(path);
}

Result<std::vector<std::string>> CeremonyFiles::paths(std::string_view ending) const {
  return paths_of(directory_, ending);
}

Result<void> CeremonyFiles::remove(const std::string& path) const {
  std::error_code failed;
  if (std::filesystem::remove(path, failed) && !failed) {
    sync_directory(directory_);
    return {};
  }
  return Error{Reason::Io, path + " cannot be removed: " + failed.message(), {}};
}

Result<std::optional<tke::AttestationRoot>> CeremonyFiles::pinned_root(
    const std::string& address) const {
  const std::string path = root_path(directory_, address);
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return std::optional<tke::AttestationRoot>();
  const std::string text = KH_TRY(read_text(path, kMaxRootBytes));
  auto root = tke::AttestationRoot::parse(text);
  if (!root) return Error{Reason::InvalidArgument, path + ": " + root.error().message, {}};
  return std::optional(std::move(root).value());
}

Result<void> CeremonyFiles::pin_root(const std::string& address,
                                     const tke::AttestationRoot& root) const {
  const std::string text = "# attestation root of " + address + "\n" + root.text();
  return write_file_atomic(root_path(directory_, address), as_bytes(text), 0600);
}

Result<std::vector<WorkingUnit>> CeremonyFiles::working_set() const {
  const std::string path = directory_ + std::string(kWorkingSetName);
  auto bytes = read_file(path, kMaxWorkingSetBytes);
  std::vector<WorkingUnit> out;
  if (!bytes) {
    if (bytes.error().code() == Errc::NotFound) return out;
    return Error{Reason::InvalidArgument, bytes.error().message, {}};
  }
  const Error damaged{Reason::InvalidArgument,
                      path + " is damaged; remove it and select the crypto units again",
                      {}};
  boost::json::error_code failed;
  const std::string_view text = as_text(bytes.value());
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, failed);
  if (failed || !value.is_array()) return damaged;
  for (const boost::json::value& item : value.get_array()) {
    const auto* object = item.if_object();
    if (object == nullptr) return damaged;
    const auto text_of = [object](std::string_view name) -> std::string {
      const auto* member = object->if_contains({name.data(), name.size()});
      return member != nullptr && member->is_string() ? std::string(member->get_string().c_str())
                                                      : std::string();
    };
    WorkingUnit unit;
    unit.hsm_id = text_of("hsm_id");
    unit.instance = text_of("crypto_instance_id");
    unit.location = text_of("location");
    unit.serial_number = text_of("serial_num");
    unit.type = text_of("type");  // absent in old files
    if (const auto* number = object->if_contains("domain_num");
        number != nullptr && number->is_int64()) {
      unit.domain_num = static_cast<std::uint32_t>(number->get_int64());
    }
    const auto* selected = object->if_contains("selected");
    unit.selected = selected != nullptr && selected->is_bool() && selected->get_bool();
    if (unit.hsm_id.empty() || unit.instance.empty()) return damaged;
    out.push_back(std::move(unit));
  }
  return out;
}

Result<void> CeremonyFiles::save_working_set(const std::vector<WorkingUnit>& units) const {
  boost::json::array list;
  for (const WorkingUnit& unit : units) {
    list.push_back(boost::json::object{{"domain_num", unit.domain_num},
                                       {"hsm_id", unit.hsm_id},
                                       {"crypto_instance_id", unit.instance},
                                       {"location", unit.location},
                                       {"serial_num", unit.serial_number},
                                       {"public_key", ""},
                                       {"type", unit.type},
                                       {"selected", unit.selected}});
  }
  return write_file_atomic(directory_ + std::string(kWorkingSetName),
                           as_bytes(boost::json::serialize(list) + "\n"), 0600);
}

Result<std::unique_ptr<tke::Signer>> load_signature_key(const SignatureKeyFile& file,
                                                        const SecretBytes& password) {
  const std::string text = KH_TRY(read_text(file.path, tke::kMaxKeyFileBytes));
  auto key = tke::open_signature_key(text, password);
  if (!key)
    return Error{
        key.error().reason, "signature key " + file.label + ": " + key.error().message, {}};
  return key;
}

Result<SecretBytes> load_key_part(const KeyPartFile& file, const SecretBytes& password) {
  const std::string text = KH_TRY(read_text(file.path, tke::kMaxKeyFileBytes));
  auto part = tke::decode_key_part(text, password);
  if (!part)
    return Error{part.error().reason, "key part " + file.label + ": " + part.error().message, {}};
  return part;
}

}  // namespace keyhaven::cli
