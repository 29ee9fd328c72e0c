"""Choose the actions of a large night: seconds, peak memory, and the gap to the optimum.

    python tests/bench/choose_actions.py [--orders 1000000] [--nights 500] [--seed 7] [--risky 0.6]

Two measurements on made-up nights with ten actions per order, nine languages and agents who write
one to three of them:

- one night of `--orders` open orders with 3,500 contacts (fewer for fewer orders). Target: 60 s for
  a million. The options are made before the clock starts; the peak has them.
- `--nights` small nights of 200 buyers: the total compared with that of a plain mixed-integer
  program of all options, one variable per option and agent, solved by HiGHS to the end. Nights that
  HiGHS does not finish within a minute are counted apart, with the bound it has proven.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import polars as pl
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, vstack

from models.actions.action_choice import choose_actions
from models.actions.action_columns import ActionLimits
from models.actions.agents import Agent

TARGET_SECONDS, TARGET_ORDERS, TARGET_CONTACTS = 60.0, 1_000_000, 3_500
LANGUAGES = ("ar", "de", "en", "es", "fr", "ko", "pt", "ru", "zh")
# action: minutes, share of the price given away, how well it works, whether it reaches a buyer
ACTIONS = {
    "answer_open_question": (3.0, 0.0, 1.0, True),
    "ask_for_photos": (1.5, 0.0, 0.3, True),
    "carrier_enquiry": (5.0, 0.0, 0.6, False),
    "extend_protection": (0.0, 0.0, 0.4, True),
    "full_refund": (2.0, 1.0, 3.0, True),
    "inform": (2.0, 0.0, 0.8, True),
    "partial_refund_large": (2.0, 0.3, 2.2, True),
    "partial_refund_medium": (2.0, 0.15, 1.6, True),
    "partial_refund_small": (2.0, 0.05, 1.0, True),
    "resend": (2.5, 0.5, 2.5, True),
}


def made_options(orders: int, seed: int, risky: float = 0.6) -> pl.DataFrame:
    """Ten options per order; one buyer in ten has two orders. A larger `risky` is more disputes."""
    rng, count = np.random.default_rng(seed), len(ACTIONS)
    number = np.arange(orders)
    buyer = np.where(rng.random(orders) < 0.1, np.maximum(number - 1, 0), number)
    night = pl.DataFrame(
        {
            "order": number,
            "buyer": buyer,
            "language": rng.integers(0, len(LANGUAGES), orders),
            "risk": rng.beta(risky, 20, orders),
            "price": rng.lognormal(3.3, 0.8, orders),
        }
    ).select(
        "risk",
        "price",
        buyer_id=pl.format("b{}", "buyer"),
        order_id=pl.format("o{}", pl.col("order").cast(pl.String).str.zfill(8)),
        message_language=pl.lit(pl.Series(LANGUAGES)).gather("language"),
    )
    actions = pl.DataFrame(
        [(name, *each) for name, each in ACTIONS.items()],
        schema=["action", "minutes", "given", "works", "is_contact"],
        orient="row",
    )
    gift = (pl.col("price") * pl.col("given")).round(2)
    effect = pl.min_horizontal(
        pl.lit(pl.Series(rng.beta(2, 10, orders * count))) * pl.col("works"), 0.9
    )
    saving = pl.col("risk") * (pl.col("price") + 15) * effect
    return (
        night.join(actions, how="cross", maintain_order="left_right")
        .with_columns(budget_usd=gift)
        .with_columns(value_usd=saving - 0.3 * gift - 0.25 * pl.col("minutes"))
        .drop("risk", "price", "given", "works")
    )


def made_limits(
    rng: np.random.Generator, contacts: int, agents: int, minutes: float
) -> ActionLimits:
    """Agents with one to three languages; 1 USD of offers per contact; some actions are limited."""
    named = [
        Agent(
            f"agent {n}",
            frozenset(rng.choice(LANGUAGES, rng.integers(1, 4), replace=False)),
            minutes,
        )
        for n in range(agents)
    ]
    most = {"resend": max(1, contacts // 8), "full_refund": max(1, contacts // 20)}
    return ActionLimits(contacts, float(contacts), agents=named, action_contacts=most)


def one_large_night(orders: int, seed: int, risky: float) -> None:
    contacts = max(1, TARGET_CONTACTS * orders // TARGET_ORDERS)
    agents = max(3, contacts // 175)
    options = made_options(orders, seed, risky)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    limits = made_limits(np.random.default_rng(seed), contacts, agents, 420.0)
    started, processor = time.perf_counter(), time.process_time()
    choice = choose_actions(options, limits)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    gap = 1 - choice.total_usd / choice.bound_usd
    verdict = ""
    if orders >= TARGET_ORDERS:
        verdict = f"; target {TARGET_SECONDS:.0f} s: " + (
            "met" if seconds < TARGET_SECONDS else "MISSED"
        )
    worth = options.filter(pl.col("value_usd") >= limits.least_worth_usd).height
    sys.stdout.write(
        f"{orders:,} orders x {len(ACTIONS)} actions, {worth:,} worth taking, "
        f"{contacts:,} contacts, {agents} agents: "
        f"{choice.chosen.height:,} actions worth {choice.total_usd:,.2f} USD, at most {gap:.6%} "
        f"below the best; {seconds:.1f} s ({processor:.1f} processor seconds), "
        f"peak {peak:.1f} GB, of which the options {before:.1f} GB{verdict}\n"
    )


def plain_optimum(options: pl.DataFrame, limits: ActionLimits) -> tuple[float, float]:
    """The best total and the bound of one variable per option and agent, without our columns."""
    rows = options.filter(pl.col("value_usd") >= limits.least_worth_usd)
    by_agent = [
        rows.filter(
            pl.col("minutes") > 0, pl.col("message_language").is_in(list(agent.languages))
        ).with_columns(agent=pl.lit(n))
        for n, agent in enumerate(limits.agents)
    ]
    own = rows.filter(minutes=0.0).with_columns(agent=pl.lit(-1))
    each = pl.concat([own, *by_agent])
    if each.height == 0:
        return 0.0, 0.0
    buyer = each["buyer_id"].rank("dense").to_numpy() - 1
    number = np.arange(each.height)
    one = coo_array((np.ones(each.height), (buyer, number)))
    used = [each["is_contact"].cast(pl.Float64), each["budget_usd"]]
    used += [(each["action"] == name).cast(pl.Float64) for name in limits.action_contacts]
    used += [each["minutes"] * (each["agent"] == n) for n in range(len(limits.agents))]
    most = [limits.contacts, limits.budget_usd, *limits.action_contacts.values()]
    most += [agent.minutes for agent in limits.agents]
    result = milp(
        -each["value_usd"].to_numpy(),
        integrality=np.ones(each.height),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(
            vstack([one, coo_array(np.array([column.to_numpy() for column in used]))]).tocsr(),
            ub=np.concatenate([np.ones(one.shape[0]), np.array(most) + 1e-9]),
        ),
        options={"mip_rel_gap": 0.0, "time_limit": 60.0},
    )
    return -result.fun, -result.mip_dual_bound


def small_nights(nights: int) -> None:
    gaps, seconds, unfinished, bound_gaps, worth = [], [], 0, [], []
    for seed in range(nights):
        rng = np.random.default_rng(seed)
        options = made_options(220, seed, 4.0)
        limits = made_limits(
            rng, int(rng.integers(5, 40)), int(rng.integers(1, 4)), float(rng.integers(10, 60))
        )
        started = time.perf_counter()
        choice = choose_actions(options, limits)
        seconds.append(time.perf_counter() - started)
        best, bound = plain_optimum(options, limits)
        unfinished += bound > best * (1 + 1e-6) + 1e-6
        worth.append(options.filter(pl.col("value_usd") >= limits.least_worth_usd).height)
        gaps.append(1 - choice.total_usd / best if best else 0.0)
        bound_gaps.append(choice.bound_usd / best - 1 if best else 0.0)
    sys.stdout.write(
        f"{nights} nights of 200 buyers, {np.median(worth):.0f} options worth taking (median), "
        f"compared with HiGHS on all of them: below it by {np.median(gaps):.6%} (median) and "
        f"{max(gaps):.6%} (largest); the bound is above it by {np.median(bound_gaps):.6%} and "
        f"{max(bound_gaps):.6%}, and below it by at most {max(0.0, -min(bound_gaps)):.1e}; "
        f"{np.median(seconds):.3f} s (median), {max(seconds):.2f} s (longest); HiGHS did not "
        f"finish {unfinished} nights\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=TARGET_ORDERS)
    parser.add_argument("--nights", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--risky", type=float, default=0.6, help="larger: more disputes")
    options = parser.parse_args()
    # the large night first: the peak memory is that of the process
    if options.orders:
        one_large_night(options.orders, options.seed, options.risky)
    if options.nights:
        small_nights(options.nights)


if __name__ == "__main__":
    main()
