// Fields of a CRN, counted from 0 with the word crn: 4 is the service, the last one the resource.
const SERVICE = 4;
const field = (crn: string, index: number) => crn.split(":").at(index) || "–";

export const serviceOf = (crn: string) => field(crn, SERVICE);
// What the CRN names: the resource or, when it ends at one, the service instance.
export const resourceOf = (crn: string) => crn.split(":").findLast((part) => part !== "") ?? "–";
