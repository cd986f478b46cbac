// What travels inside a CPRB: administrative requests and responses, and the unsigned information
// queries.
//
//   xcpAdminReq  SEQUENCE { function 00010029, domain, xcpAdminBlk in an OCTET STRING, signer infos
//   } xcpAdminBlk  SEQUENCE { command, domain ‖ instance, module id, counter, input } xcpAdminRsp
//   SEQUENCE { function, domain, return code, xcpAdminRspBlk, signer infos }   or the first three
//   only xcpAdminRspBlk SEQUENCE { command, domain ‖ instance, module id, counter, return code,
//   output }
// every field an OCTET STRING. Source: instances-tke-iam.md 3.4 and 3.5; docs/protocols/tke.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::tke {

inline constexpr std::uint32_t kFunctionAdmin = 0x00010029;
inline constexpr std::uint32_t kFunctionInfo = 0x00010026;
inline constexpr std::size_t kModuleIdSize = 16;  // serial number (8 ASCII) ‖ module instance (8)
inline constexpr std::size_t kCounterSize = 16;
inline constexpr std::size_t kSerialNumberSize = 8;
inline constexpr std::size_t kMaxIdentifierSize = 64;  // of a module id or counter of any unit

// Commands and queries (3.5). Every other id is answered 84. An open set on the wire, so constants
// and no enum class.
enum Command : std::uint32_t {
  kAddAdministrator = 0x00000002,
  kRemoveAdministrator = 0x00000004,
  kReplaceAdministrator = 0x00000006,
  kSetAttributes = 0x00000008,
  kGenerateImporter = 0x00000009,
  kCreateRandomKey = 0x0000000A,
  kExportCurrentKey = 0x0000000B,
  kImportKeyParts = 0x0000000C,
  kCommitPending = 0x0000000D,
  kFinalizePending = 0x0000000E,  // "set immediate"
  kZeroize = 0x00000010,
  kSetControlPoints = 0x00000011,
  kEnableControlPoints = 0x00000012,
  kDisableControlPoints = 0x00000013,
  kReencryptBlob = 0x00000019,
  kClearCurrent = 0x0000001B,
  kClearPending = 0x0000001C,
  kExportPendingKey = 0x00000026,
  kAcceptRecords = 0x00004B01,  // ours: stored records that were put back (docs/protocols/tke.md)
  // Ours too: keys on their way to another deployment (transfer.h).
  kOfferTransfer = 0x00004B02,
  kAuthorizeTransfer = 0x00004B03,
  kConsentTransfer = 0x00004B04,
  kQueryCardAdministrators = 0x00010001,
  kQueryAdministrators = 0x00010002,
  kQueryOaCertificate = 0x00010003,
  kQueryImporter = 0x00010004,
  kQueryControlPoints = 0x00010006,
  kQueryCurrentPattern = 0x00010007,
  kQueryPendingPattern = 0x00010008,
  kQueryAttributes = 0x0001000A,
  kQueryRetainedKeys = 0x0001000D,
};
constexpr bool is_query(std::uint32_t command) noexcept { return (command & 0x00010000u) != 0; }
// Name for people and audit records, e.g. "add administrator"; "unknown command" for ids outside
// the table.
std::string_view name_of_command(std::uint32_t command) noexcept;

inline constexpr std::uint32_t kImporterRsa2048 = 0;
inline constexpr std::uint32_t kImporterP521 = 3;

struct AdminBlock {
  std::uint32_t command = 0;
  std::uint32_t domain_index = 0;
  std::uint32_t domain_instance = 0;
  Bytes module_id;  // empty in queries
  Bytes counter;    // empty in queries
  Bytes input;
  bool operator==(const AdminBlock&) const = default;
};

struct AdminRequest {
  std::uint32_t domain_index = 0;
  Bytes block;         // DER of the xcpAdminBlk: what is signed
  Bytes signer_infos;  // concatenated SignerInfos (signer_info.h), empty when unsigned
  bool operator==(const AdminRequest&) const = default;
};

inline constexpr std::uint32_t kInfoModule = 1;
inline constexpr std::uint32_t kInfoDomain = 3;
struct InfoRequest {
  std::uint32_t domain_index = 0;
  std::uint32_t subtype = 0;
  bool operator==(const InfoRequest&) const = default;
};

using RequestPayload = std::variant<AdminRequest, InfoRequest>;

Bytes encode(const AdminBlock& block);
Bytes encode(const AdminRequest& request);
Bytes encode(const InfoRequest& request);
// Errors: InvalidArgument (not DER, wrong field sizes, trailing bytes, unknown function id).
Result<AdminBlock> parse_admin_block(ByteView der);
Result<RequestPayload> parse_request_payload(ByteView der);
// Inner requests of an import: xcpAdminReq after xcpAdminReq. Errors: InvalidArgument, TooLarge
// above `limit` requests.
Result<std::vector<AdminRequest>> parse_admin_requests(ByteView der, std::size_t limit);

struct AdminResponseBlock {
  std::uint32_t command = 0;
  std::uint32_t domain_index = 0;
  std::uint32_t domain_instance = 0;
  Bytes module_id;
  Bytes counter;
  std::uint32_t return_code = 0;
  Bytes output;  // when return_code is not 0: the reason code in its first four bytes, if present
  bool operator==(const AdminResponseBlock&) const = default;
  std::uint32_t reason_code() const noexcept;  // 0 when there is none
};

struct AdminResponse {
  std::uint32_t domain_index = 0;
  std::uint32_t return_code = 0;  // not 0: the short form, without block
  Bytes block;                    // DER of the xcpAdminRspBlk: what the unit signs
  Bytes signer_infos;
  bool operator==(const AdminResponse&) const = default;
};

struct InfoResponse {
  std::uint32_t domain_index = 0;
  std::uint32_t return_code = 0;
  Bytes payload;
  bool operator==(const InfoResponse&) const = default;
};

Bytes encode(const AdminResponseBlock& block);
Bytes encode(const AdminResponse& response);
Bytes encode(const InfoResponse& response);
// Errors: InvalidArgument.
Result<AdminResponseBlock> parse_admin_response_block(ByteView der);
Result<AdminResponse> parse_admin_response(ByteView der);
Result<InfoResponse> parse_info_response(ByteView der);

// Domain information (subtype 3), never signed: for display, not for decisions.
struct DomainInfo {
  static constexpr std::uint32_t kHasAdministrators = 0x01;
  static constexpr std::uint32_t kHasCurrent = 0x02;
  static constexpr std::uint32_t kHasPending = 0x04;
  static constexpr std::uint32_t kPendingCommitted = 0x08;
  static constexpr std::uint32_t kLeftImprint = 0x10;
  static constexpr std::uint32_t kEnforcesImprint = 0x80000000;

  std::uint32_t domain_index = 0;
  std::array<std::uint8_t, 32> current_pattern{};
  std::array<std::uint8_t, 32> pending_pattern{};
  std::uint32_t flags = 0;
  std::uint32_t operational_mode = 0;
  std::uint32_t compliance = 0;
  bool operator==(const DomainInfo&) const = default;
};
Bytes encode(const DomainInfo& info);                  // 80 bytes
Result<DomainInfo> parse_domain_info(ByteView bytes);  // 80 bytes or more. Errors: InvalidArgument

}  // namespace keyhaven::tke
