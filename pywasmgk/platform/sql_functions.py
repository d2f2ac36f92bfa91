"""SQL functions that compute from their arguments and touch nothing else, by dialect.

What is not here is refused, since nobody can say what a function of an extension or of a user's own
does: it may read files, open connections or run other statements. A policy grants such ones by name
(``{"type": "db", "access": "function", "scope": ["st_*"]}``). Functions with a syntax of their own
(CAST, EXTRACT, TRIM, POSITION, ...) are the parser's, and harmless.
"""

from __future__ import annotations

__all__ = ["HARMLESS"]

_COMMON = """
abs acos asin atan atan2 avg ceil ceiling char_length character_length coalesce concat concat_ws cos
cot count cume_dist current_date current_time current_timestamp degrees dense_rank exp first_value
floor greatest group_concat hex ifnull instr json_array json_object lag last_value lead least left
length ln log log10 log2 lower lpad ltrim max min mod nth_value ntile nullif octet_length
percent_rank pi power pow radians rank repeat replace reverse right round row row_number rpad rtrim
sign sin sqrt string_agg substr substring sum tan trim upper cast date time if left
"""

_SQLITE = """
acosh asinh atanh bm25 changes char cosh datetime decimal format fts5_rowid glob highlight iif
json json_array_length json_each json_error_position json_extract json_group_array
json_group_object json_insert json_patch json_pretty json_quote json_remove json_replace json_set
json_tree json_type json_valid jsonb jsonb_array jsonb_each jsonb_extract jsonb_group_array
jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set
jsonb_tree julianday last_insert_rowid like likelihood likely match matchinfo offsets printf quote
random randomblob regexp sinh snippet soundex sqlite_version strftime subtype tanh timediff total
total_changes trunc typeof unhex unicode unistr unixepoch unlikely zeroblob
"""

_POSTGRES = """
age array_agg array_append array_cat array_dims array_length array_lower array_ndims array_position
array_positions array_prepend array_remove array_replace array_to_json array_to_string array_upper
ascii bit_and bit_count bit_length bit_or bit_xor bool_and bool_or btrim cardinality cbrt chr
clock_timestamp convert_from convert_to corr covar_pop covar_samp date_bin date_part date_trunc
decode digest div encode every factorial format gcd gen_random_uuid generate_series
generate_subscripts get_byte host initcap inet_merge isempty isfinite json_agg json_array_elements
json_array_elements_text json_array_length json_build_array json_build_object json_each
json_each_text json_extract_path json_extract_path_text json_object_agg json_object_keys
json_populate_record json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_agg
jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_each jsonb_each_text jsonb_exists jsonb_extract_path
jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys
jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
jsonb_populate_record jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
jsonb_to_recordset jsonb_typeof justify_days justify_hours justify_interval lcm lower_inc
lower_inf make_date make_interval make_time make_timestamp make_timestamptz md5 mode
multirange netmask network now num_nonnulls num_nulls numnode parse_ident percentile_cont
percentile_disc phraseto_tsquery plainto_tsquery quote_ident quote_literal quote_nullable random
random_normal range_agg range_merge regexp_count regexp_instr regexp_like regexp_match
regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr regr_avgx
regr_avgy regr_count regr_intercept regr_r2 regr_slope row_to_json scale set_bit set_byte
set_masklen setweight sha224 sha256 sha384 sha512 similarity split_part starts_with
statement_timestamp stddev stddev_pop stddev_samp string_to_array string_to_table strip strpos
timeofday to_ascii to_char to_date to_hex to_json to_jsonb to_number to_timestamp to_tsquery
to_tsvector transaction_timestamp translate trim_array trim_scale trunc ts_headline ts_rank
ts_rank_cd tsquery_phrase unaccent unistr unnest upper_inc upper_inf uuid_generate_v4 uuidv4 uuidv7
var_pop var_samp variance version websearch_to_tsquery width_bucket word_similarity
masklen family text broadcast hostmask int4range int8range numrange tsrange tstzrange daterange
"""

_MYSQL = """
addate adddate addtime aes_decrypt aes_encrypt any_value ascii bin bin_to_uuid bit_and bit_count
bit_length bit_or bit_xor char compress conv convert_tz crc32 curdate current_user curtime database
date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear default elt
export_set field find_in_set format found_rows from_base64 from_days from_unixtime grouping hour
inet6_aton inet6_ntoa inet_aton inet_ntoa insert interval is_ipv4 is_ipv6 is_uuid isnull
json_arrayagg json_array_append json_array_insert json_contains json_contains_path json_depth
json_extract json_insert json_keys json_length json_merge json_merge_patch json_merge_preserve
json_objectagg json_overlaps json_pretty json_quote json_remove json_replace json_schema_valid
json_search json_set json_type json_unquote json_valid json_value last_day last_insert_id lcase
locate localtime localtimestamp make_set makedate maketime match md5 microsecond mid minute month
monthname now oct ord period_add period_diff position quarter quote rand random_bytes regexp_instr
regexp_like regexp_replace regexp_substr row_count sec_to_time second sha sha1 sha2 soundex space
std stddev stddev_pop stddev_samp str_to_date strcmp subdate substring_index subtime sysdate
time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_days to_seconds
truncate ucase uncompress unhex unix_timestamp user utc_date utc_time utc_timestamp uuid uuid_short
uuid_to_bin values var_pop var_samp variance version week weekday weekofyear weight_string year
yearweek
"""

#: by the dialect's name in sqlglot
HARMLESS: dict[str, frozenset[str]] = {
    dialect: frozenset((_COMMON + names).split())
    for dialect, names in (("sqlite", _SQLITE), ("postgres", _POSTGRES), ("mysql", _MYSQL))
}
