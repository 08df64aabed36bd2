-- Estates by village; `n` counts estates.
{% set meta = model.config.get('meta', {}) %}
with estate as (
    select
        *,
        committee_status not in ({{ index_words(meta.get('unable')) }}) as is_able,
        -- A committee whose term is not known may have expired or not.
        case
            when committee_status in ({{ index_words(meta.get('formed')) }})
                then committee_term_end_on >= {{ index_date('F29') }}
            when committee_status is not null then false
        end as is_in_office,
        -- An estate built in phases may have a row for each; its committee is the largest phase's.
        row_number() over (partition by estate_id order by households desc nulls last, name, _line) = 1 as is_largest
    from {{ ref('stg_f29') }}
    where village_code is not null
)
select 'HOU08' as indicator, village_code,
    coalesce(sum(households * score) filter (score is not null and households is not null), 0)::decimal(20, 9) as numerator,
    coalesce(sum(households) filter (score is not null), 0)::decimal(20, 9) as denominator,
    count_if(score is not null and households is not null) as n,
    count_if(score is null or households is null) as n_unknown
from estate
group by village_code
union all
select 'HOU09', village_code,
    count_if(is_able and is_in_office), count_if(is_able and is_in_office is not null),
    count_if(is_able and is_in_office is not null),
    count_if(committee_status is null or (is_able and is_in_office is null))
from estate
where is_largest
group by village_code
union all
select 'TRA03', village_code, coalesce(sum(parking) filter (households is not null), 0),
    coalesce(sum(households) filter (parking is not null), 0),
    count_if(parking is not null and households is not null), count_if(parking is null or households is null)
from estate
group by village_code
union all
select 'TRA05', village_code, coalesce(sum(chargers) filter (households is not null), 0),
    coalesce(sum(households) filter (chargers is not null), 0),
    count_if(chargers is not null and households is not null), count_if(chargers is null or households is null)
from estate
group by village_code
