/*
 * Two ways of doing something, measured side by side: A B A B …, so that whatever
 * else the machine does at the time happens to both. What is kept is the ratio: of
 * what was done in the time, and of the processor time it took.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

/** What the processors have computed until now, in milliseconds; nothing before it is told. */
let readProcessor = () => undefined;

/** Counts processor time from now on, where there is a clock for it. */
export function countProcessorTime(clock = () => undefined) {
  readProcessor = clock;
}

/** The middle of a list. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that a share of the list stays below. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/**
 * Throughput of each work by as many clients at once, in pairs of short rounds.
 * Returns the median of the pairs' ratios, how far apart they were, and the ratio of
 * the processor time each took.
 */
export async function compareThroughput({ subject, floor, clients = 1, pairs, roundMs, before }) {
  const rates = { subject: [], floor: [] };
  const costs = { subject: [], floor: [] };
  const works = { subject, floor };
  const round = async (name) => {
    await before?.(name);
    return rateOf(works[name], clients, roundMs);
  };

  // Warm both up: plans, caches, the compiler.
  for (const name of ["subject", "floor"]) await round(name);
  for (let pair = 0; pair < pairs; pair += 1) {
    // Who goes first changes, or the first would always pay for the other's dirt.
    const order = pair % 2 === 0 ? ["subject", "floor"] : ["floor", "subject"];
    for (const name of order) {
      const { rate, cost } = await round(name);
      rates[name].push(rate);
      costs[name].push(cost);
    }
  }
  return resultOf(rates.subject.map((rate, pair) => rate / rates.floor[pair]), costs, {
    subjectPerSecond: median(rates.subject),
    floorPerSecond: median(rates.floor),
  });
}

/**
 * The same for work that is long or must be prepared: each round is one call, which
 * says how many milliseconds it took.
 */
export async function compareDuration({ subject, floor, pairs }) {
  const durations = { subject: [], floor: [] };
  const costs = { subject: [], floor: [] };
  const works = { subject, floor };
  for (let pair = 0; pair < pairs; pair += 1) {
    const order = pair % 2 === 0 ? ["subject", "floor"] : ["floor", "subject"];
    for (const name of order) {
      const start = readProcessor();
      durations[name].push(await works[name]());
      costs[name].push(readProcessor() - start);
    }
  }
  return resultOf(durations.floor.map((duration, pair) => duration / durations.subject[pair]), costs, {
    subjectMilliseconds: median(durations.subject),
    floorMilliseconds: median(durations.floor),
  });
}

/** How many milliseconds the work took. */
export async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** How late timers were while the work ran: the 99th percentile, in milliseconds. */
export async function eventLoopDelay(work) {
  const resolution = 5;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  await work();
  histogram.disable();
  // The histogram counts the interval between two ticks, of which this much is meant.
  return Math.max(0, histogram.percentile(99) / 1e6 - resolution);
}

async function rateOf(work, clients, roundMs) {
  let done = 0;
  const processorStart = readProcessor();
  const start = performance.now();
  const end = start + roundMs;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() < end) {
        await work(client);
        done += 1;
      }
    }),
  );
  const rate = (done / (performance.now() - start)) * 1000;
  return { rate, cost: (readProcessor() - processorStart) / done };
}

function resultOf(ratios, costs, more) {
  const processorRatios = costs.floor.map((cost, pair) => cost / costs.subject[pair]);
  return {
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
    ratios,
    // Without a clock there is nothing to say.
    ...(processorRatios.some(Number.isNaN) ? {} : { processorRatio: median(processorRatios), processorRatios }),
    ...more,
  };
}
