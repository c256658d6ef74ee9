import { declareSealedFields } from "../../src/sealed-fields.js";

/** What `tests.notes()` declares in SQL, as an application declares it to its client. */
export const NOTES = declareSealedFields({
  "notes.about": { fieldId: 90001, scope: "cell" },
  "notes.remark": { fieldId: 90002, scope: "organization" },
  "notes.digest": { fieldId: 90003, scope: "cell" },
  "notes.token": { fieldId: 90004, scope: "organization", algorithm: 2 },
});
