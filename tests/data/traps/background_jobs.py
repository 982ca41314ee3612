"""A job scheduler: nothing here trains."""
from apscheduler.schedulers.background import BackgroundScheduler

scheduler = BackgroundScheduler()


def refresh_cache():
    print("refreshed")


def main():
    scheduler.add_job(refresh_cache, "interval", minutes=5)
    scheduler.start()
    for step in range(10):
        print("working", step)
    scheduler.shutdown()


if __name__ == "__main__":
    main()
