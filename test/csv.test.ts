import { csvRecord } from "../src/csv.js";

describe("a CSV record", () => {
  it("is as RFC 4180 says", () => {
    expect(csvRecord(["a", "b,c", 'd"e', "f\r\ng", null, undefined, 7, true])).toBe(
      'a,"b,c","d""e","f\r\ng",,,7,true\r\n',
    );
  });

  it("writes times and objects as JSON does", () => {
    expect(csvRecord([new Date(0), { role: "admin" }])).toBe('1970-01-01T00:00:00.000Z,"{""role"":""admin""}"\r\n');
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|cmd", "%0A"])(
    "defuses %j, which a spreadsheet would run",
    (text) => {
      expect(csvRecord([text]).replace(/^"/, "")).toMatch(/^'/);
    },
  );

  it("leaves alone what only looks like a number to people", () => {
    expect(csvRecord([-5, "a=b", "2026-11-23"])).toBe("-5,a=b,2026-11-23\r\n");
  });
});
