#include "tke/block_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/wire.h"
#include "crypto/hash.h"
#include "tke/certificate.h"
#include "tke/control_points.h"
#include "tke/key_export.h"
#include "tke/key_part.h"
#include "tke/transfer.h"

namespace keyhaven::tke {
namespace {

constexpr std::size_t kPairSize = 8;
constexpr std::size_t kAcceptedDifferenceSize = 32;

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 8> kPermissions{{
    {permission::kImport, "import of key parts"},
    {permission::kExport, "export of master keys"},
    {permission::kSinglePart, "whole key from one administrator"},
    {permission::kRandomKey, "random master keys"},
    {permission::kThresholdOfOne, "thresholds of 1"},
    {permission::kControlPointsWithOne, "control points with one signature"},
    {permission::kZeroizeWithOne, "zeroize with one signature"},
    {permission::kDoNotDisturb, "do not disturb"},
}};

// Fills a BlockText from the input of its command.
class Describer {
 public:
  explicit Describer(BlockText& out) : out_(out), input_(out.block.input) {}

  void describe() {
    switch (out_.block.command) {
      case kAddAdministrator:
        return certificate("administrator added", input_);
      case kRemoveAdministrator:
        return fixed("administrator removed", sizeof(Ski));
      case kReplaceAdministrator:
        return replacement();
      case kSetAttributes:
        return attributes();
      case kGenerateImporter:
        return importer();
      case kExportCurrentKey:
      case kExportPendingKey:
        return exported();
      case kImportKeyParts:
        return imported();
      case kCommitPending:
      case kFinalizePending:
        return fixed("verification pattern", sizeof(VerificationPattern));
      case kSetControlPoints:
        return control_points("control points, all others off");
      case kEnableControlPoints:
        return control_points("control points switched on");
      case kDisableControlPoints:
        return control_points("control points switched off");
      case kAcceptRecords:
        return fixed("accepted difference", kAcceptedDifferenceSize);
      case kOfferTransfer:
        return offered();
      case kAuthorizeTransfer:
        return authorized();
      case kConsentTransfer:
        return consented();
      case kCreateRandomKey:
      case kZeroize:
      case kClearCurrent:
      case kClearPending:
        return nothing();
      default:
        return undecoded("a command that this version does not know", input_);
    }
  }

 private:
  void add(std::string_view name, std::string value) {
    out_.about.push_back({std::string(name), std::move(value)});
  }
  void undecoded(std::string_view why, ByteView bytes) {
    out_.understood = false;
    add("NOT DECODED", fmt::format("{}; {} bytes follow in hexadecimal: {}", why, bytes.size(),
                                   bytes.empty() ? "none" : to_hex(bytes)));
  }
  void nothing() {
    if (!input_.empty()) undecoded("this command takes no input", input_);
  }
  void fixed(std::string_view name, std::size_t size) {
    if (input_.size() == size) return add(name, to_hex(input_));
    undecoded(fmt::format("{} must have {} bytes", name, size), input_);
  }

  void certificate(std::string_view name, ByteView der) {
    const auto read = parse_administrator_certificate(der);
    if (!read) return undecoded(read.error().message, der);
    add(name, shown_text(read->name));
    add("subject key identifier", to_hex(read->ski));
    add("kind of key",
        read->key.algorithm() == SignatureAlgorithm::EcdsaSha512 ? "P-521" : "RSA-2048");
    // Names no other bytes of it are taken from.
    add("certificate",
        fmt::format("{} bytes, SHA-256 {}", der.size(), to_hex(crypto::sha256(der))));
  }
  void replacement() {
    if (input_.size() <= sizeof(Ski)) return undecoded("no certificate follows", input_);
    add("administrator removed", to_hex(input_.first(sizeof(Ski))));
    certificate("administrator put in the place", input_.subspan(sizeof(Ski)));
  }

  void attributes() {
    if (const auto list = apply_attribute_list({}, input_); !list)
      return undecoded(list.error().message, input_);
    Reader reader(input_);
    for (std::size_t pair = 0; pair < input_.size() / kPairSize; ++pair) {
      const std::uint32_t index = reader.u32();
      attribute(index, reader.u32());
    }
  }
  void attribute(std::uint32_t index, std::uint32_t value) {
    switch (index) {
      case 1:
        return add("signature threshold", std::to_string(value));
      case 2:
        return add("revocation threshold", std::to_string(value));
      case 3:
        return add("permissions", fmt::format("{:08X}: {}", value, permissions_text(value)));
      case 4:
        return add("operational mode", fmt::format("{:08X}", value));
      case 5:
        return add("compliance", fmt::format("{:08X}", value));
      default:  // 6 to 10: of later firmware
        return add(fmt::format("attribute {}, which units ignore", index),
                   fmt::format("{:08X}", value));
    }
  }

  void importer() {
    if (input_.size() != sizeof(std::uint32_t))
      return undecoded("the type of an importer key must have 4 bytes", input_);
    const std::uint32_t type = Reader(input_).u32();
    if (type == kImporterP521) return add("importer key", "P-521");
    if (type == kImporterRsa2048) return add("importer key", "RSA-2048");
    undecoded("an unknown type of importer key", input_);
  }
  void exported() {
    const auto key = parse_export_request(input_);
    if (!key) return undecoded(key.error().message, input_);
    add("encrypted to importer key", to_hex(ski_of(key->point())));
    // The map may be written in several ways that say the same.
    if (!std::ranges::equal(make_export_request(*key), input_))
      add("form of the request", "not ours; SHA-256 " + to_hex(crypto::sha256(input_)));
  }
  void imported() {
    const auto parts = parse_admin_requests(input_, kMaxKeyParts);
    if (!parts) return undecoded(parts.error().message, input_);
    for (std::size_t number = 0; number < parts->size(); ++number)
      key_part(number, (*parts)[number]);
  }
  void key_part(std::size_t number, const AdminRequest& part) {
    const std::string name = fmt::format("key part {}", number + 1);
    const auto inner = parse_admin_block(part.block);
    const auto signers = parse_signer_infos(part.signer_infos);
    AdminBlock expected = out_.block;
    if (inner) expected.input = inner->input;
    if (!inner || !signers || part.domain_index != out_.block.domain_index || *inner != expected)
      return undecoded(name + " is malformed or for another unit or time", encode(part));
    std::string by;
    for (const SignerInfo& signer : *signers) by += (by.empty() ? "" : ", ") + to_hex(signer.ski);
    add(name, fmt::format("encrypted, {} bytes, SHA-256 {}, signed by {}", inner->input.size(),
                          to_hex(crypto::sha256(inner->input)), by.empty() ? "nobody" : by));
  }

  void control_points(std::string_view name) {
    if (input_.size() != kControlPointBytes)
      return undecoded("control points must have 16 bytes", input_);
    ControlPoints points{};
    std::copy(input_.begin(), input_.end(), points.begin());
    std::string names;
    for (unsigned bit = 0; bit < 8 * kControlPointBytes; ++bit) {
      if (!has_control_point(points, bit)) continue;
      const auto table = control_point_table();
      const auto row = std::ranges::find(table, bit, &ControlPoint::bit);
      names += names.empty() ? "" : ", ";
      names += row == table.end() ? fmt::format("bit {} without a name", bit)
                                  : fmt::format("{} ({})", row->name, row->meaning);
    }
    add(name, names.empty() ? "none" : names);
  }

  void root(std::string_view name, const crypto::P521PublicKey& key) {
    add(name, to_hex(ski_of(key.point())));
  }
  void offered() {
    const auto input = parse_offer_input(input_);
    if (!input) return undecoded(input.error().message, input_);
    add("keys are taken by instance", input->target.text());
    add("only from instance", input->source.text());
    root("only of the deployment with root", input->source_root);
    add("until", format_rfc3339(input->expires));
  }
  // An offer that does not verify is shown whole: nobody should sign for it.
  void authorized() {
    const auto input = parse_authorize_input(input_);
    if (!input) return undecoded(input.error().message, input_);
    const auto offer = verify_offer(input->offer, AttestationRoot::of(input->target_root));
    if (!offer) return undecoded(offer.error().message, input_);
    add("keys leave instance", input->source.text());
    add("for instance", offer->content.target.text());
    root("of the deployment with root", input->target_root);
    root("made by the module", offer->module_key);
    add("import key", to_hex(ski_of(offer->content.import_key)));
    add("the offer is for instance", offer->content.source.text());
    add("the offer is for the deployment with root", to_hex(offer->content.source_root));
    add("transfer", offer->content.id.text());
    add("the offer ends", format_rfc3339(offer->content.expires));
    add("until", format_rfc3339(input->expires));
    add("offer", "SHA-256 " + to_hex(crypto::sha256(input->offer)));
  }
  void consented() {
    const auto input = parse_consent_input(input_);
    if (!input) return undecoded(input.error().message, input_);
    add("transfer", input->id.text());
    add("keys", std::to_string(input->keys));
    add("manifest", "SHA-256 " + to_hex(input->manifest));
  }

  BlockText& out_;
  ByteView input_;
};

std::string module_text(ByteView module_id) {
  if (module_id.empty()) return "not named";
  if (module_id.size() != kModuleIdSize) return to_hex(module_id);
  return fmt::format("serial number {}, module instance {}",
                     shown_text(as_text(module_id.first(kSerialNumberSize))),
                     to_hex(module_id.subspan(kSerialNumberSize)));
}

}  // namespace

std::string shown_text(std::string_view text) {
  std::string plain;
  bool printable = true;
  for (const char c : text) {
    const bool fits = c >= 0x20 && c < 0x7F;
    plain += fits ? c : '?';
    printable = printable && fits;
  }
  if (printable) return plain;
  return fmt::format("\"{}\" (not plain ASCII; bytes {})", plain, to_hex(as_bytes(text)));
}

std::string permissions_text(std::uint32_t permissions) {
  std::string out;
  const auto add = [&](std::string_view name) { out.append(out.empty() ? "" : ", ").append(name); };
  std::uint32_t left = permissions;
  for (const auto& [bit, name] : kPermissions) {
    if ((left & bit) != 0) add(name);
    left &= ~bit;
  }
  std::uint32_t may_change =
      permission::kSignatureThresholdMayChange | permission::kRevocationThresholdMayChange;
  for (const auto& row : kPermissions) may_change |= may_change_bit(row.first);
  if ((left & may_change) != 0) add(fmt::format("may still be changed: {:08X}", left & may_change));
  left &= ~may_change;
  if (left != 0) add(fmt::format("bits without a name: {:08X}", left));
  return out.empty() ? "none" : out;
}

Result<BlockText> describe_block(ByteView der) {
  if (der.size() > kMaxBlockBytes)
    return Error{Reason::TooLarge, "a command block has at most 16384 bytes", "block"};
  auto block = parse_admin_block(der);
  if (!block)
    return Error{Reason::InvalidArgument, "this is no command block: " + block.error().message,
                 "block"};
  // One value has one DER form: whoever signs the bytes signs what is shown and nothing beside it.
  if (encode(*block) != to_bytes(der))
    return Error{Reason::InvalidArgument, "this command block is not in its one DER form", "block"};
  BlockText out;
  out.block = std::move(*block);
  const std::string_view name = name_of_command(out.block.command);
  out.command = name == "unknown command" ? fmt::format("unknown command {:08X}", out.block.command)
                                          : std::string(name);
  Describer(out).describe();
  out.frame = {
      {"domain", fmt::format("{}, instance {}", out.block.domain_index, out.block.domain_instance)},
      {"module", module_text(out.block.module_id)},
      {"counter", out.block.counter.empty() ? "not named" : to_hex(out.block.counter)}};
  return out;
}

}  // namespace keyhaven::tke
