"""The tools of the tool_call data set that are written for it.

Tools come in families whose members are easily taken for one another: now or later, one or many, ask or do.
"""


class maybe(dict):
    """The schema of a member that may be left out."""


def text(**rules):
    return {"type": "string", **rules}


def integer(**rules):
    return {"type": "integer", **rules}


def number(**rules):
    return {"type": "number", **rules}


def one_of(*values):
    return {"type": "string", "enum": list(values)}


def many(items, **rules):
    return {"type": "array", "items": items, **rules}


def record(**members):
    required = [name for name, schema in members.items() if not isinstance(schema, maybe)]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def tool(name, description, **members):
    return {"name": name, "description": description, "parameters": record(**members)}


TEXT, INTEGER, NUMBER, FLAG = text(), integer(), number(), {"type": "boolean"}
POSITIVE, COUNT = number(exclusiveMinimum=0), integer(minimum=1)
TEXTS = many(TEXT)
DATE = text(format="date")
TIME = text(pattern="^[0-2][0-9]:[0-5][0-9]$")
CURRENCY = text(pattern="^[A-Z]{3}$")
CHANNEL = text(pattern="^#[a-z-]+$")
TRAIN = text(pattern="^[A-Z]{2,3}[0-9]{1,4}$")
TRACKING_CODE = text(pattern="^[A-Z]{2}[0-9]{8}$")
IBAN = text(pattern="^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")
PATIENT = text(pattern="^P-[0-9]{5}$")
PRIORITY = one_of("low", "normal", "high")
SERVICE = one_of("standard", "express", "overnight")
ZONE = one_of("living_room", "bedroom", "bathroom", "office")

TOOLS = [
    tool("create_shipment", "Send parcels to a recipient.",
         recipient=record(name=TEXT, street=TEXT, city=TEXT, postcode=TEXT, country=maybe(text(pattern="^[A-Z]{2}$"))),
         parcels=many(record(weight_kg=POSITIVE, contents=maybe(TEXT), fragile=maybe(FLAG))),
         service=SERVICE, pickup_date=maybe(DATE)),
    tool("quote_shipment", "Tell the price of sending parcels of one weight. Nothing is sent.",
         origin_postcode=TEXT, destination_postcode=TEXT, parcels=COUNT, weight_kg=POSITIVE, service=SERVICE),
    tool("convert_currency", "Convert an amount of money at today's rate.",
         amount=POSITIVE, source=CURRENCY, target=CURRENCY),
    tool("exchange_rate_history", "List the past exchange rates of two currencies.",
         base=CURRENCY, quote=CURRENCY, start_date=DATE, end_date=DATE, step=one_of("day", "week", "month")),
    tool("search_trains", "Find train connections between two stations.",
         origin=TEXT, destination=TEXT, date=DATE, depart_after=maybe(TIME), via=maybe(TEXTS),
         travel_class=maybe(one_of("first", "second")), direct_only=maybe(FLAG)),
    tool("book_train_seats", "Buy seats on one particular train.",
         train=TRAIN, date=DATE,
         passengers=many(record(name=TEXT, discount_card=maybe(one_of("youth", "senior", "half_fare")))),
         seat=maybe(record(position=maybe(one_of("window", "aisle")), quiet_zone=maybe(FLAG)))),
    tool("send_message", "Post a message to a channel right now.",
         channel=CHANNEL, text=TEXT, mentions=maybe(many(text(pattern="^@[a-z]+$"))), urgent=maybe(FLAG)),
    tool("schedule_message", "Post a message to a channel at a later time.",
         channel=CHANNEL, text=TEXT, send_at=text(pattern="^[0-9-]{10}T[0-9:]{5}$")),
    tool("track_parcel", "Tell where a parcel is.", tracking_code=TRACKING_CODE, events=maybe(one_of("latest", "all"))),
    tool("redirect_parcel", "Have a parcel that is on its way delivered to a pickup point.",
         tracking_code=TRACKING_CODE, pickup_point=TEXT, keep_days=maybe(integer(minimum=1, maximum=14))),
    tool("transfer_money", "Send money to an account once.",
         iban=IBAN, amount=POSITIVE, currency=CURRENCY, reference=maybe(TEXT), execute_on=maybe(DATE)),
    tool("create_standing_order", "Send the same amount to an account every month.",
         iban=IBAN, amount=POSITIVE, currency=CURRENCY, day_of_month=integer(minimum=1, maximum=28),
         end_date=maybe(DATE)),
    tool("train_status", "Tell whether a train is on time.", train=TRAIN, date=DATE, station=maybe(TEXT)),
    tool("cancel_train_booking", "Cancel a booking, or only some of its passengers.",
         booking_code=text(pattern="^[A-Z0-9]{6}$"), refund_to=one_of("card", "voucher"), passengers=maybe(TEXTS)),
    tool("create_event", "Put a new event into the calendar.",
         title=TEXT, date=DATE, start=TIME, minutes=COUNT, attendees=maybe(TEXTS), online=maybe(FLAG)),
    tool("move_event", "Move an event that is in the calendar.",
         event_id=INTEGER, date=DATE, start=TIME, notify_attendees=maybe(FLAG)),
    tool("create_task", "Add a task to the task list.",
         title=TEXT, assignee=maybe(TEXT), due=maybe(DATE), priority=maybe(PRIORITY),
         subtasks=maybe(many(record(title=TEXT, minutes=maybe(COUNT))))),
    tool("update_task", "Change a task that is on the task list.",
         task_id=INTEGER, status=maybe(one_of("open", "blocked", "done")), assignee=maybe(TEXT), due=maybe(DATE),
         priority=maybe(PRIORITY)),
    tool("set_heating", "Heat a zone to a temperature from now on.",
         zone=ZONE, celsius=number(minimum=5, maximum=28), until=maybe(TIME)),
    tool("set_heating_schedule", "Replace the weekly heating schedule of a zone.",
         zone=ZONE,
         rules=many(record(days=one_of("workdays", "weekend", "all"), start=TIME, end=TIME, celsius=NUMBER))),
    tool("energy_report", "Report the household's use of energy.",
         start_date=DATE, end_date=DATE, resolution=one_of("hour", "day", "month"),
         sources=maybe(many(one_of("grid", "solar", "battery"))), compare_previous=maybe(FLAG)),
    tool("find_readings", "List the single readings of a sensor that meet all conditions.",
         sensor=TEXT,
         conditions=many(record(field=one_of("value", "battery", "signal"), limit=NUMBER,
                                comparison=one_of("above", "below"))),
         newest_first=maybe(FLAG), at_most=maybe(COUNT)),
    tool("summarize_readings", "Compute statistics of a sensor's readings.",
         sensor=TEXT, statistics=many(one_of("mean", "median", "minimum", "maximum")), start_date=DATE,
         end_date=DATE, group_by=maybe(one_of("hour", "day", "week"))),
    tool("set_sensor_alert", "Notify people when a sensor's value leaves a range.",
         sensor=TEXT, notify=TEXTS, above=maybe(NUMBER), below=maybe(NUMBER),
         quiet_hours=maybe(record(start=TIME, end=TIME))),
    # goods
    tool("request_return", "Ask to send ordered goods back.",
         order=INTEGER, skus=TEXTS, reason=one_of("damaged", "wrong_item", "not_needed"), exchange=maybe(FLAG)),
    tool("adjust_stock", "Correct the counted stock of an article in one warehouse.",
         sku=TEXT, warehouse=TEXT, change=INTEGER, reason=one_of("damage", "theft", "recount")),
    tool("transfer_stock", "Move stock of an article between warehouses.",
         sku=TEXT, quantity=COUNT, source=TEXT, target=TEXT, pallets=maybe(COUNT)),
    tool("stock_level", "Tell how much of an article is in stock.", sku=TEXT, warehouses=maybe(TEXTS)),
    # money
    tool("split_bill", "Work out what each person pays of a bill.",
         total=POSITIVE, people=TEXTS, tip_percent=maybe(NUMBER)),
    tool("loan_payment", "Compute the monthly payment of a loan.",
         principal=POSITIVE, annual_rate_percent=NUMBER, years=COUNT, interest_only=maybe(FLAG)),
    tool("create_invoice", "Issue an invoice to a client.",
         client=TEXT, lines=many(record(description=TEXT, quantity=NUMBER, unit_price=NUMBER)),
         due_date=DATE, vat_percent=maybe(NUMBER)),
    tool("record_expense", "Enter an expense that has been paid.",
         amount=POSITIVE, currency=CURRENCY, category=one_of("travel", "meals", "office", "training"), date=DATE,
         reimbursable=maybe(FLAG)),
    # ways
    tool("search_ferries", "Find ferry crossings.",
         origin=TEXT, destination=TEXT, date=DATE,
         vehicle=maybe(record(kind=one_of("car", "van", "bicycle"), length_m=maybe(NUMBER)))),
    tool("rent_bikes", "Rent bikes at a station.",
         station=TEXT, kind=one_of("city", "cargo", "electric"), count=COUNT, hours=COUNT, helmets=maybe(FLAG)),
    tool("plan_route", "Plan a route through several stops in the given order.",
         stops=many(TEXT, minItems=2), mode=one_of("car", "bike", "foot"),
         avoid=maybe(many(one_of("tolls", "ferries", "motorways")))),
    tool("find_chargers", "Find charging stations for electric cars.",
         place=TEXT, radius_km=POSITIVE, connector=one_of("type2", "ccs", "chademo"), min_kw=maybe(NUMBER)),
    # people
    tool("find_free_slot", "Find a time when everybody is free. Nothing is put into a calendar.",
         people=TEXTS, minutes=COUNT, earliest=DATE, latest=DATE),
    tool("create_poll", "Ask a channel to vote.",
         channel=CHANNEL, question=TEXT, options=many(TEXT, minItems=2), several_answers=maybe(FLAG),
         closes=maybe(DATE)),
    # house
    tool("set_lights", "Set the lights of rooms.",
         rooms=many(ZONE), brightness=integer(minimum=0, maximum=100),
         color=maybe(text(pattern="^#[0-9a-f]{6}$"))),
    tool("start_appliance", "Start a household appliance.",
         appliance=one_of("dishwasher", "washer", "dryer"), program=TEXT, delay_hours=maybe(INTEGER), eco=maybe(FLAG)),
    tool("estimate_solar_yield", "Estimate what solar panels will yield in a year.",
         peak_kw=POSITIVE, tilt_degrees=INTEGER, location=record(latitude=NUMBER, longitude=NUMBER)),
    tool("arm_alarm", "Arm the burglar alarm.",
         mode=one_of("home", "away", "night"), ignore_sensors=maybe(TEXTS), delay_seconds=maybe(INTEGER)),
    tool("water_garden", "Water beds of the garden now.",
         beds=many(INTEGER, minItems=1), minutes=COUNT, skip_if_rain=maybe(FLAG)),
    # measurement
    tool("plot_series", "Draw a chart of data series.",
         series=TEXTS, kind=one_of("line", "bar", "scatter"), size=maybe(record(width=INTEGER, height=INTEGER)),
         log_scale=maybe(FLAG)),
    tool("export_table", "Write a table to a file.",
         table=one_of("sensors", "readings", "alerts"), format=one_of("csv", "parquet", "xlsx"), columns=maybe(TEXTS),
         compress=maybe(FLAG)),
    tool("fit_curve", "Fit a curve to points.",
         x=many(NUMBER), y=many(NUMBER), model=one_of("linear", "exponential", "power")),
    tool("convert_units", "Convert a physical quantity between units.",
         value=NUMBER, source=one_of("mile", "foot", "pound", "gallon", "psi"),
         target=one_of("km", "m", "kg", "litre", "bar")),
    tool("calibrate_sensor", "Calibrate a sensor with measured and true values.",
         sensor=TEXT, points=many(record(measured=NUMBER, true_value=NUMBER), minItems=2)),
    # health
    tool("book_appointment", "Make an appointment with a doctor.",
         patient=PATIENT, specialty=one_of("dermatology", "cardiology", "eye"), date=DATE, time=TIME,
         remote=maybe(FLAG)),
    tool("move_appointment", "Give an appointment with a doctor another time.",
         appointment_id=INTEGER, date=DATE, time=TIME),
    tool("renew_prescription", "Renew a prescription.",
         patient=PATIENT, medicine=TEXT, dose_mg=POSITIVE, times_per_day=COUNT, weeks=maybe(COUNT)),
    tool("log_vitals", "Enter measured vital signs of a patient.",
         patient=PATIENT, pulse=maybe(INTEGER), temperature=maybe(NUMBER),
         blood_pressure=maybe(record(systolic=INTEGER, diastolic=INTEGER))),
    tool("order_lab_tests", "Order blood tests.",
         patient=PATIENT, tests=many(one_of("glucose", "lipids", "iron", "thyroid")), fasting=maybe(FLAG),
         urgent=maybe(FLAG)),
    tool("refer_patient", "Refer a patient to another clinic.",
         patient=PATIENT, clinic=TEXT, reason=TEXT, urgency=one_of("routine", "soon", "emergency")),
    tool("check_interactions", "Check medicines for interactions.",
         medicines=many(TEXT, minItems=2), age=maybe(INTEGER)),
    tool("log_meal", "Enter a meal into the food diary.",
         meal=one_of("breakfast", "lunch", "dinner"), foods=many(record(name=TEXT, grams=POSITIVE))),
    # library and files
    tool("search_library", "Search the library's holdings.",
         author=maybe(TEXT), subject=maybe(TEXT), year_from=maybe(INTEGER), year_to=maybe(INTEGER),
         medium=maybe(one_of("book", "audio", "film"))),
    tool("renew_loans", "Keep borrowed items for longer.",
         card=text(pattern="^L[0-9]{6}$"), barcodes=TEXTS),
    tool("reserve_title", "Reserve a title that is lent out.",
         card=text(pattern="^L[0-9]{6}$"), isbn=text(pattern="^[0-9]{13}$"), branch=TEXT,
         notify_by=maybe(one_of("email", "sms"))),
    tool("resize_image", "Scale an image.", path=TEXT, width=COUNT, height=COUNT, keep_ratio=maybe(FLAG)),
    tool("crop_image", "Cut a rectangle out of an image.",
         path=TEXT, box=record(left=INTEGER, top=INTEGER, width=COUNT, height=COUNT)),
    tool("transcribe_audio", "Turn recorded speech into text in the same language.",
         path=TEXT, speakers=maybe(COUNT), timestamps=maybe(FLAG)),
    tool("translate_document", "Translate a document.",
         path=TEXT, target=one_of("german", "french", "spanish"), formal=maybe(FLAG),
         glossary=maybe(many(record(term=TEXT, translation=TEXT)))),
    tool("deploy_service", "Roll out a version of a service.",
         service=TEXT, version=text(pattern="^[0-9]+[.][0-9]+[.][0-9]+$"), environment=one_of("staging", "production"),
         replicas=maybe(COUNT), settings=maybe({"type": "object", "additionalProperties": TEXT})),
]

_TOOLS = {tool["name"]: tool for tool in TOOLS}
FAMILIES = {family: [_TOOLS[name] for name in names.split()] for family, names in {
    "shipping": "create_shipment quote_shipment track_parcel redirect_parcel request_return adjust_stock transfer_stock "
                "stock_level",
    "money": "convert_currency exchange_rate_history transfer_money create_standing_order split_bill loan_payment "
             "create_invoice record_expense",
    "travel": "search_trains book_train_seats train_status cancel_train_booking search_ferries rent_bikes plan_route "
              "find_chargers",
    "messages": "send_message schedule_message create_event move_event create_task update_task find_free_slot "
                "create_poll",
    "home": "set_heating set_heating_schedule energy_report set_lights start_appliance estimate_solar_yield arm_alarm "
            "water_garden",
    "measurements": "find_readings summarize_readings set_sensor_alert plot_series export_table fit_curve convert_units "
                    "calibrate_sensor",
    "health": "book_appointment move_appointment renew_prescription log_vitals order_lab_tests refer_patient "
              "check_interactions log_meal",
    "media": "search_library renew_loans reserve_title resize_image crop_image transcribe_audio translate_document "
             "deploy_service",
}.items()}
