-- What is published of a figure. k is the floor: of fewer than k people nothing is told; figures of more are
-- rounded to multiples of k, so that two nights, or a whole and its parts, seldom differ by one person, and then by k.
create temp macro few(n) as case when n >= getvariable('k') then cast(round(n / getvariable('k')) * getvariable('k') as bigint) end;
-- a figure of things that so many people said
create temp macro few_of(n, people) as case when people >= getvariable('k') and n >= getvariable('k') then cast(round(n / getvariable('k')) * getvariable('k') as bigint) end;
-- a probability, to the hundredth
create temp macro share(p) as round(cast(p as double), 2);
-- a ratio, to two digits
create temp macro rough(x) as case when x > 0 then round(cast(x as double), 1 - cast(floor(log10(x)) as integer)) when x = 0 then 0.0 end;
-- Wilson's interval of a share of n, nine in ten sure
create temp macro middle(x, n) as (x / n + 1.3529 / n) / (1 + 2.7055 / n);
create temp macro reach(x, n) as 1.6449 * sqrt((x / n) * (1 - x / n) / n + 0.6764 / (cast(n as double) * n)) / (1 + 2.7055 / n);
create temp macro at_least(x, n) as case when x is not null then share(greatest(0, middle(least(x, n), n) - reach(least(x, n), n))) end;
create temp macro at_most(x, n) as case when x is not null then share(least(1, middle(least(x, n), n) + reach(least(x, n), n))) end;
