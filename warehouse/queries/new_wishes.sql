-- Which clusters were born lately, of wordings that many say?
select l.night, c.locale, c.representative, c.wordings, c.users
from lineage as l
inner join clusters as c on l.cluster_id = c.cluster_id
where l.event = 'born' and l.night > (select min(night) from runs)
order by l.night desc, c.users desc, c.locale, c.cluster_id
limit 20
