#!/usr/bin/env bash
# Fetches the pinned SDK and what it needs into ./lib, through a local repository of its own.
#
# The vendor's README says that the SDK is not on Maven Central and is installed from its sources
# ("mvn install"). Where a user has done that, the user's repository serves the SDK; elsewhere Maven
# Central is asked, and when it has none the suite says so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
installed=${HOME:-/nonexistent}/.m2/repository/com/ibm/cloud/ibm-key-protect-sdk/1.0.5
options=(-B -q -C -f "$here/pom.xml" "-Dmaven.repo.local=$PWD/repository")
if [ -f "$installed/ibm-key-protect-sdk-1.0.5.jar" ]; then
  mkdir -p repository/com/ibm/cloud/ibm-key-protect-sdk/1.0.5
  cp "$installed"/*.jar "$installed"/*.pom repository/com/ibm/cloud/ibm-key-protect-sdk/1.0.5/
fi
if ! mvn "${options[@]}" dependency:copy-dependencies "-DoutputDirectory=$PWD/lib" > install.out 2>&1; then
  sed 's/\x1b\[[0-9;]*m//g' install.out
  echo
  if grep -q 'Could not find artifact com.ibm.cloud:ibm-key-protect-sdk' install.out; then
    echo "com.ibm.cloud:ibm-key-protect-sdk:1.0.5 is not on Maven Central, nor installed from its sources under that version, as the vendor's README asks"
  else
    grep -m 1 ERROR install.out | head -c 300
  fi
  exit 1
fi
