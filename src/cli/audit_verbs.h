// Verbs of `keyhaven audit` that ask the service.
#pragma once

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

// Adds search, status and check below `audit`.
void add_audit_reading_verbs(CLI::App& audit, Context& context);

}  // namespace keyhaven::cli
