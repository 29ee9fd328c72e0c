"""Tracking services that are asked for a workspace's parcels: 17TRACK and AfterShip.

`open_parcels` says which parcels are on their way, `parcel_state` remembers what a service was
asked, `new_records` leaves out what an earlier answer showed, and `parcel_pull` does one run;
`seventeen_calls` and `aftership_calls` speak the two interfaces, and `service_checks` tests
credentials. Other folders may import `parcel_pull` and `service_checks`. Modules here may import
`features`, `pipeline.settings`, `pipeline.connections`, `pipeline.sources` with its folder
`tracking`, `pipeline.output` and `pipeline.workspace`.
"""
