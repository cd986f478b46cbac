// What is said where a role is missing. The names of roles are those of the server.
export const may = {
  "may.needs": "Needs the role {roles}.",
  "may.page": "This page needs the role {roles}",
  "may.pageMore": "An administrator grants roles under Access, or with keyhaven iam policy create.",
  "may.retry": "Check again",
};
