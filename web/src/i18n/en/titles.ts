// Titles of pages and entries of the navigation: the frame shows them before a page is there.
export const titles = {
  "instances.title": "Instances",
  "instances.details": "Instance details",
  "keys.title": "Keys",
  "details.title": "Key details",
  "details.resources": "Associated resources",
  "rings.title": "Key rings",
  "units.title": "Crypto units",
  "ceremony.title": "Ceremony",
  "policies.title": "Instance policies",
  "transfers.title": "Sealed transfers",
  "migration.title": "Migration",
  "iam.identity": "Identity",
  "about.title": "About",
};
