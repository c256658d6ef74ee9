import { join, sep } from "node:path";

import ts from "typescript";

const ROOT = join(__dirname, "..");
const SOURCES = join(ROOT, "src") + sep;
const GENERATED = join(SOURCES, "queries") + sep;
const LANGUAGE = join(ROOT, "node_modules", "typescript", "lib") + sep;

/** Interfaces that give away what they are made of, each in its own way. */
const OFFENDERS = `
  import type { IDatabaseConnection } from "@pgtyped/runtime";
  import type pg from "pg";
  import type { FindUserResult } from "./queries/users.js";
  import type { UserRepository } from "./users.js";

  interface Deep { readonly rows: ReadonlyMap<string, readonly FindUserResult[]> }
  export interface Offenders {
    readonly honest: UserRepository;
    readonly driver: { read(client: pg.PoolClient): Promise<void> };
    readonly runtime: { read(options: { readonly on?: IDatabaseConnection | undefined }): void };
    readonly generated: { list(): Promise<Deep | null> };
    readonly callback: { each(work: (row: FindUserResult) => void): void };
    readonly plain: { count(): Promise<number> };
  }
`;

const offendersFile = join(SOURCES, "offenders.ts");
const program = createProgram();
const checker = program.getTypeChecker();

function createProgram(): ts.Program {
  const config = ts.getParsedCommandLineOfConfigFile(join(ROOT, "tsconfig.json"), { incremental: false }, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
    },
  })!;
  const { tsBuildInfoFile: _, ...options } = config.options;
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => name === offendersFile || fileExists(name);
  host.readFile = (name) => (name === offendersFile ? OFFENDERS : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === offendersFile
      ? ts.createSourceFile(name, OFFENDERS, ts.ScriptTarget.ES2022, true)
      : getSourceFile(name, ...rest);
  return ts.createProgram([join(SOURCES, "repositories.ts"), offendersFile], options, host);
}

/** The type of an exported interface. */
function typeOf(file: string, name: string): ts.Type {
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(SOURCES, file))!)!;
  const symbol = checker.getExportsOfModule(module).find((found) => found.name === name)!;
  return checker.getDeclaredTypeOfSymbol(symbol);
}

/**
 * Every type that an interface names, whatever it is wrapped in, that is neither the
 * language's nor written by us: with the way to it.
 */
function foreignTypes(root: ts.Type, path: string): string[] {
  const found: string[] = [];
  const seen = new Set<ts.Type>();

  function visit(type: ts.Type, way: string): void {
    if (seen.has(type)) return;
    seen.add(type);

    const files = [type.aliasSymbol, type.getSymbol()]
      .flatMap((symbol) => symbol?.declarations ?? [])
      .map((declaration) => declaration.getSourceFile().fileName);
    // Node adds a line of its own to what the language declares, such as Array.
    const isLanguage = files.some((file) => file.startsWith(LANGUAGE));
    if (!isLanguage && files[0] !== undefined && !files.some(isOurs)) {
      found.push(`${way}: ${checker.typeToString(type)}, of ${files[0].slice(ROOT.length + 1)}`);
      return;
    }

    for (const part of type.aliasTypeArguments ?? []) visit(part, way);
    if (type.isUnionOrIntersection()) for (const part of type.types) visit(part, way);
    if (isReference(type)) for (const part of checker.getTypeArguments(type)) visit(part, way);
    // What the language brings, such as Promise, is known; what it is given was visited.
    if (isLanguage) return;

    for (const property of type.getProperties()) {
      const place = property.valueDeclaration ?? property.declarations?.[0];
      if (place === undefined || isPrivate(place)) continue;
      visit(checker.getTypeOfSymbolAtLocation(property, place), `${way}.${property.name}`);
    }
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      visit(signature.getReturnType(), `${way}()`);
      for (const parameter of signature.getParameters()) {
        visit(
          checker.getTypeOfSymbolAtLocation(parameter, parameter.valueDeclaration!),
          `${way}(${parameter.name})`,
        );
      }
    }
    for (const { type: value } of checker.getIndexInfosOfType(type)) visit(value, `${way}[]`);
  }

  visit(root, path);
  return found;
}

const isOurs = (file: string) => file.startsWith(SOURCES) && !file.startsWith(GENERATED);

const isPrivate = (place: ts.Declaration) =>
  (ts.isPropertyDeclaration(place) || ts.isMethodDeclaration(place)) && ts.isPrivateIdentifier(place.name);

const isReference = (type: ts.Type): type is ts.TypeReference =>
  ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) !== 0;

describe("the interfaces of the repositories", () => {
  const repositories = typeOf("repositories.ts", "Repositories");

  it.each(repositories.getProperties().map(({ name }) => name))("%s: name neither the driver nor a generated type", (name) => {
    const property = repositories.getProperty(name)!;
    expect(foreignTypes(checker.getTypeOfSymbolAtLocation(property, property.valueDeclaration!), name)).toEqual([]);
  });

  it("would be found out, wherever they name one", () => {
    const offenders = typeOf("offenders.ts", "Offenders");
    const of = (name: string) => {
      const property = offenders.getProperty(name)!;
      return foreignTypes(checker.getTypeOfSymbolAtLocation(property, property.valueDeclaration!), name);
    };

    expect(of("honest")).toEqual([]);
    expect(of("plain")).toEqual([]);
    expect(of("driver")).toEqual(["driver.read(client): PoolClient, of node_modules/@types/pg/index.d.ts"]);
    expect(of("runtime")).toEqual([expect.stringMatching(/^runtime\.read\(options\)\.on: IDatabaseConnection, of node_modules\/@pgtyped\//)]);
    expect(of("generated")).toEqual(["generated.list().rows: FindUserResult, of src/queries/users.ts"]);
    expect(of("callback")).toEqual(["callback.each(work)(row): FindUserResult, of src/queries/users.ts"]);
  });
});
