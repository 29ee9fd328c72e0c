"""17TRACK and AfterShip: register the parcels of open orders, and keep the answers about them as
dumps, which `pipeline.sources.tracking` reads.

`open_parcels` says which parcels are on their way, `parcel_state` remembers what a service was
asked, `parcel_pull` does one run; `seventeen_calls` and `aftership_calls` speak the two interfaces,
and `service_checks` tests credentials. Other folders may import `parcel_pull` and
`service_checks`. Modules here may import `features`, `pipeline.settings`, `pipeline.connections`,
`pipeline.output` and `pipeline.workspace`.
"""
