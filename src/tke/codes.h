// Return and reason codes of crypto units, their meaning and their remedy. Source:
// instances-tke-iam.md 3.11.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven::tke {

// Return codes. An open set on the wire.
enum ReturnCode : std::uint32_t {
  kOk = 0,
  kWrongDomain = 3,
  kBadArguments = 7,
  kInvalidData = 32,
  kMissingInput = 33,
  kNotAllowed = 80,
  kNotSupported = 84,
  kNotFound = 96,
  kPatternMismatch = 101,
  kNotInitialised = 145,
  kInvalidCounter = 163,
  kNotInImprint = 179,
  kSignatureInvalid = 192,
  kSignatureMalformed = 193,
  kNotEnoughSignatures = 208,
  kInconsistent = 209,
  kAdministratorExists = 256,
  kUnauthorisedSigner = 257,
  kAdministratorListFull = 261,
  kInternalError = 0x80010002,
};

// Reason codes we give. An open set on the wire.
enum ReasonCode : std::uint32_t {
  kNoReason = 0,
  kNoImporterKey = 1,
  kNoKeyParts = 2,
  kInnerForOtherDomain = 7,
  kInnerBlockMissing = 8,
  kInnerSignatureMissing = 9,
  kDomainInstanceDiffers = 14,
  kModuleIdFormat = 15,
  kModuleInstanceDiffers = 16,
  kSerialNumberDiffers = 17,
  kCounterFormat = 18,
  kCounterValue = 19,
  kInnerForOtherInstance = 20,
  kTooFewSignatures = 21,
  kBadSignature = 22,
  kRecipientInfoFault = 23,
  kWrappedPartSize = 24,
  kOriginatorPoint = 25,
  kSharedInfoFault = 26,
  kRecipientInfoDoesNotOpen = 28,
  kEqualKeyParts = 29,
  kSameAsCurrent = 31,
  kAdministratorNotFound = 32,
  kStillImprint = 34,
  kRevocationThresholdZero = 36,
  kKeyExists = 38,
  kListFull = 39,
  kBadCertificate = 40,
  kAttributeListFault = 41,
  kAttributeUnknown = 42,
  kAttributeTwice = 43,
  kMayNotEnable = 46,
  kMayNotDisable = 47,
  kPatternDiffers = 48,
  kNoMasterKey = 49,
  kNoPendingKey = 50,
  kRandomKeyProhibited = 52,
  kRegisterFull = 53,
  kImporterTypeUnknown = 55,
  kSignatureThresholdTooHigh = 57,
  kRevocationThresholdTooHigh = 58,
  kOaIndexOutOfRange = 60,
  kPendingNotCommitted = 64,
  kRemovalBelowThreshold = 66,
  kMayChangeCannotBeSet = 69,
  kPermissionMayNotChange = 70,
  kThresholdMayNotChange = 71,
  kThresholdOfOneInUse = 74,
  kTooManyKeyParts = 75,
  kSignatureThresholdToZero = 76,
  kRevocationThresholdToZero = 77,
  kSignatureThresholdToOne = 78,
  kRevocationThresholdToOne = 79,
  kImportProhibited = 80,
  kSinglePartProhibited = 81,
  kBlobRejected = 86,
  kExportPartsFault = 96,
  kKeyPartHolderInvalid = 102,
  kExportScopeFault = 120,
  kExportProhibited = 131,
  // Ours, of stored records and of serving units.
  kOtherRecordDifference = 0x4B01,
  kNoRecordDifference = 0x4B02,
  kNotAServingUnit = 0x4B03,
  // Ours, of transfers of keys.
  kTransferSwitchedOff = 0x4B04,
  kTransferInputFault = 0x4B05,
  kTransferOtherInstance = 0x4B06,
  kTransferOtherDeployment = 0x4B07,
  kTransferNotOpen = 0x4B08,
  kTransferBound = 0x4B09,
};

struct Status {
  std::uint32_t return_code = kOk;
  std::uint32_t reason_code = kNoReason;
  bool ok() const noexcept { return return_code == kOk; }
  bool operator==(const Status&) const = default;
};

// What happened and what to do about it, for any pair of codes (unknown ones get a general text).
struct Explanation {
  std::string_view meaning;
  std::string_view remedy;
};
Explanation explain(Status status) noexcept;

// The error a client shows: "crypto unit refused: MEANING (return code R, reason code S). REMEDY".
// Its Reason: Forbidden for signatures and prohibitions, WrongState kinds as Conflict,
// InvalidArgument, NotFound, NotSupported, UnitUnavailable for internal errors.
Error error_of(Status status);

}  // namespace keyhaven::tke
