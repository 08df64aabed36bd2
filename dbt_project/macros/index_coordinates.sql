{# Offsets of the Chinese map systems against WGS 84 (metres to a few hundred metres), undone to about a metre: enough for
   radii of hundreds of metres. The formulas are the public ones of GCJ-02 and BD-09. #}

{# GCJ-02's shift of one coordinate, in its angular form before scaling. #}
{% macro gcj_shift_lat(x, y) -%}
    (-100.0 + 2.0 * {{ x }} + 3.0 * {{ y }} + 0.2 * {{ y }} * {{ y }} + 0.1 * {{ x }} * {{ y }} + 0.2 * sqrt(abs({{ x }}))
        + (20.0 * sin(6.0 * {{ x }} * pi()) + 20.0 * sin(2.0 * {{ x }} * pi())) * 2.0 / 3.0
        + (20.0 * sin({{ y }} * pi()) + 40.0 * sin({{ y }} / 3.0 * pi())) * 2.0 / 3.0
        + (160.0 * sin({{ y }} / 12.0 * pi()) + 320.0 * sin({{ y }} * pi() / 30.0)) * 2.0 / 3.0)
{%- endmacro %}

{% macro gcj_shift_lon(x, y) -%}
    (300.0 + {{ x }} + 2.0 * {{ y }} + 0.1 * {{ x }} * {{ x }} + 0.1 * {{ x }} * {{ y }} + 0.1 * sqrt(abs({{ x }}))
        + (20.0 * sin(6.0 * {{ x }} * pi()) + 20.0 * sin(2.0 * {{ x }} * pi())) * 2.0 / 3.0
        + (20.0 * sin({{ x }} * pi()) + 40.0 * sin({{ x }} / 3.0 * pi())) * 2.0 / 3.0
        + (150.0 * sin({{ x }} / 12.0 * pi()) + 300.0 * sin({{ x }} / 30.0 * pi())) * 2.0 / 3.0)
{%- endmacro %}

{# Rows of `relation` with `lon_wgs84` and `lat_wgs84` beside lon, lat and coordinate_system. #}
{% macro to_wgs84(relation) -%}
{%- set axis = 6378245.0 -%}
{%- set eccentricity = 0.00669342162296594323 -%}
    select
        s.* exclude (lon_gcj, lat_gcj, root),
        case
            when s.coordinate_system = 'WGS84' then s.lon::double
            else s.lon_gcj - {{ gcj_shift_lon('(s.lon_gcj - 105.0)', '(s.lat_gcj - 35.0)') }} * 180.0
                / ({{ axis }} / sqrt(s.root) * cos(radians(s.lat_gcj)) * pi())
        end as lon_wgs84,
        case
            when s.coordinate_system = 'WGS84' then s.lat::double
            else s.lat_gcj - {{ gcj_shift_lat('(s.lon_gcj - 105.0)', '(s.lat_gcj - 35.0)') }} * 180.0
                / ({{ axis }} * (1.0 - {{ eccentricity }}) / (s.root * sqrt(s.root)) * pi())
        end as lat_wgs84
    from (
        select
            g.* exclude (baidu_x, baidu_y, baidu_z, baidu_angle),
            case when g.coordinate_system = 'BD-09' then g.baidu_z * cos(g.baidu_angle) else g.lon::double end as lon_gcj,
            case when g.coordinate_system = 'BD-09' then g.baidu_z * sin(g.baidu_angle) else g.lat::double end as lat_gcj,
            1.0 - {{ eccentricity }} * sin(radians(lat_gcj)) ** 2 as root
        from (
            select
                r.*,
                r.lon::double - 0.0065 as baidu_x,
                r.lat::double - 0.006 as baidu_y,
                sqrt(baidu_x * baidu_x + baidu_y * baidu_y)
                    - 0.00002 * sin(baidu_y * pi() * 3000.0 / 180.0) as baidu_z,
                atan2(baidu_y, baidu_x) - 0.000003 * cos(baidu_x * pi() * 3000.0 / 180.0) as baidu_angle
            from {{ relation }} as r
        ) as g
    ) as s
{%- endmacro %}
