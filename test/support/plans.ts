import type pg from "pg";

/** What PostgreSQL did for one statement, its own or one inside a function. */
export interface ObservedPlan {
  /** The statement. */
  readonly text: string;

  /** Indexes that were used. */
  readonly indexes: readonly string[];

  /** Those of them that answered by themselves, without the table. */
  readonly indexesAlone: readonly string[];

  /** Tables that were read from end to end, and not empty. */
  readonly sequentialScans: readonly string[];

  /** Rows that were looked at, those thrown away again included. */
  readonly rowsTouched: number;

  /** The plan as a log would have it: its conditions, with the values that they compare with. */
  readonly told: string;
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly Plans?: readonly PlanNode[];
}

/**
 * Makes a connection tell its plans, those of statements inside functions and policies'
 * functions included. Needs a superuser, who may then become somebody else.
 */
export async function watchPlans(client: pg.ClientBase): Promise<void> {
  await client.query("load 'auto_explain'");
  const settings = {
    log_min_duration: "0",
    log_analyze: "on",
    log_timing: "off",
    log_nested_statements: "on",
    log_format: "json",
    log_level: "notice",
  };
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`set auto_explain.${name} = '${value}'`);
  }
}

/** The plans of everything that happens meanwhile. */
export async function collectPlans(
  client: pg.ClientBase,
  work: () => Promise<unknown>,
): Promise<readonly ObservedPlan[]> {
  const plans: ObservedPlan[] = [];
  const listen = ({ message = "" }: { message?: string | undefined }) => {
    const json = /^duration: [\d.]+ ms {2}plan:\n(\{[^]*\})$/.exec(message)?.[1];
    if (json !== undefined) plans.push(readPlan(JSON.parse(json) as { "Query Text": string; Plan: PlanNode }));
  };
  client.on("notice", listen);
  try {
    await work();
  } finally {
    client.removeListener("notice", listen);
  }
  return plans;
}

function readPlan({ "Query Text": text, Plan: root }: { "Query Text": string; Plan: PlanNode }): ObservedPlan {
  const nodes = flatten(root);
  return {
    text,
    indexes: [...new Set(nodes.flatMap((node) => node["Index Name"] ?? []))],
    indexesAlone: nodes
      .filter((node) => node["Node Type"] === "Index Only Scan")
      .flatMap((node) => node["Index Name"] ?? []),
    sequentialScans: nodes
      .filter((node) => node["Node Type"] === "Seq Scan" && rowsOf(node) > 0)
      .flatMap((node) => node["Relation Name"] ?? []),
    rowsTouched: nodes
      .filter((node) => /^(Seq|Index|Index Only|Bitmap Heap) Scan$/.test(node["Node Type"]))
      .reduce((sum, node) => sum + rowsOf(node), 0),
    told: JSON.stringify(root),
  };
}

function rowsOf(node: PlanNode): number {
  const perLoop =
    (node["Actual Rows"] ?? 0) +
    (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0);
  return Math.round(perLoop * (node["Actual Loops"] ?? 1));
}

function flatten(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
