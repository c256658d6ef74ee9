import { newId, type DeviceId, type UserId } from "../src/ids.js";
import type { Repositories } from "../src/repositories.js";
import { RefreshToken, tagOf } from "../src/tokens.js";
import { email, signIn, userId } from "./support/actors.js";
import { useTwoOrganizations } from "./support/world.js";

const BOB = userId("bob") as UserId;

describe("sessions in PostgreSQL", () => {
  const world = useTwoOrganizations();
  const asBob = <Result>(work: (repositories: Repositories) => Promise<Result>) => world.as("bob", "acme", work);

  it("never show a token, nor its digest", async () => {
    const session = await asBob(({ sessions }) => sessions.getCurrent());

    expect(Object.keys(session)).not.toContain("tokenHash");
    expect(Object.values(session).some((value) => value instanceof Uint8Array)).toBe(false);
  });

  it("end with their refresh tokens", async () => {
    const { sessionId, refreshToken } = await signIn(world.db.app, email("bob"), { organization: "acme" });
    await asBob(({ sessions }) => sessions.revoke(sessionId as never));

    await expect(
      world.safetyPin.refresh(RefreshToken.of(tagOf(world.db.cell), refreshToken)),
    ).rejects.toMatchObject({ name: "AuthenticationError", code: "refresh_token_invalid" });
  });

  it("are narrowed by network and by device", async () => {
    const device = newId<"device">();
    const { sessionId } = await signIn(world.db.app, email("bob"), { organization: "acme" });
    await world.db.admin.query("update sessions set ip_address = '192.0.2.77', device_id = $2 where id = $1", [
      sessionId,
      device,
    ]);

    const found = (filter: { network?: string; deviceId?: DeviceId }) =>
      asBob(async ({ sessions }) => (await sessions.listOwn(filter)).items.map(({ id }) => id));
    expect(await found({ network: "192.0.2.0/24" })).toEqual([sessionId]);
    expect(await found({ network: "192.0.2.77" })).toEqual([sessionId]);
    expect(await found({ network: "198.51.100.0/24" })).toEqual([]);
    expect(await found({ deviceId: device })).toEqual([sessionId]);
    expect(await found({ deviceId: newId<"device">() })).toEqual([]);
    expect(await world.as("ann", "acme", async ({ sessions }) =>
      (await sessions.list({ network: "192.0.2.0/24", deviceId: device })).items.map(({ id }) => id),
    )).toEqual([sessionId]);
    expect(await world.as("ann", "acme", async ({ sessions }) =>
      (await sessions.list({ deviceId: newId<"device">() })).items,
    )).toEqual([]);
    expect(await world.as("ann", "acme", async ({ sessions }) =>
      (await sessions.listForMember(BOB, { network: "192.0.2.0/24" })).items.map(({ id }) => id),
    )).toEqual([sessionId]);
  });

  it("are listed to the microsecond: none is lost between two pages", async () => {
    for (let time = 0; time < 5; time += 1) await signIn(world.db.app, email("amy"), { organization: "acme" });

    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await world.as("ann", "acme", ({ sessions }) =>
        sessions.listForMember(userId("amy") as UserId, { after, limit: 2 }),
      );
      seen.push(...page.items.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
  });

  it("that were idle for too long are not listed", async () => {
    const { sessionId } = await signIn(world.db.app, email("bob"), { organization: "acme" });
    await world.db.admin.query(
      "update session_activities set last_activity_time = now() - interval '8 days' where session_id = $1",
      [sessionId],
    );

    const own = await asBob(({ sessions }) => sessions.listOwn());
    expect(own.items.map(({ id }) => id)).not.toContain(sessionId);
    expect(await asBob(({ sessions }) => sessions.isLive(sessionId as never))).toBe(false);
  });

  it.each([
    ["a network that is none", ({ sessions }: Repositories) => sessions.listOwn({ network: "10.0.0.0/99" }), "network_malformed"],
    ["a device that is none", ({ sessions }: Repositories) => sessions.listOwn({ deviceId: "phone" as DeviceId }), "id_malformed"],
    ["data that is no object", ({ sessions }: Repositories) => sessions.setData([1] as never), "json_invalid"],
    ["data with a NUL", ({ sessions }: Repositories) => sessions.setData({ a: "\0" }), "json_invalid"],
    ["data that goes round in circles", ({ sessions }: Repositories) => {
      const data: Record<string, unknown> = {};
      data["self"] = data;
      return sessions.setData(data);
    }, "json_invalid"],
  ] as const)("refuse %s", async (_, work, code) => {
    await expect(asBob(work as (repositories: Repositories) => Promise<unknown>)).rejects.toMatchObject({ code });
  });
});
