// The launcher's part in sealing: gives the unit its sealing helper (unitd/sealing_helper.h).
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "server/config.h"
#include "server/unit_launcher.h"

namespace keyhaven::server {

// What the configuration says. Errors: InvalidArgument (unit.passphrase_from names a descriptor
// with which this process was not started; ask before the first own descriptor is opened).
Result<void> check_sealing(const Config& config);
SealingLaunch sealing_launch(const Config& config);

// In the child that is about to become the unit, still as the user who started the server: forks
// the helper, which becomes `program` (a descriptor) as the unit's user. `passphrase` is a pipe
// that holds it, or -1; `closed` are descriptors that it must not hold; `variables` its
// environment. Returns the unit's end of the socket; invalid when it cannot be made.
FileDescriptor start_sealing_helper(const UnitLaunchOptions& options, int program, int passphrase,
                                    const std::vector<FileDescriptor>& closed,
                                    std::vector<std::string> variables);

// A pipe that holds the passphrase and then ends. Invalid when the system gives none.
FileDescriptor pipe_with(const SecretBytes& passphrase);

// Gives up root for the unit's user. False: refused.
bool become_unit_user(const UnitLaunchOptions::User& user);

std::vector<char*> pointers(std::vector<std::string>& strings);

}  // namespace keyhaven::server
